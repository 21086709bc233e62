/** What a program gives to getopt_long(3). */
export interface Grammar {
  /** The letters of the options; a colon follows one that takes a value. */
  readonly short: string;
  /** Long names, and the letter that each stands for. */
  readonly long: readonly (readonly [name: string, letter: string])[];
  /** Whether options may follow operands: so it is in glibc, unless POSIXLY_CORRECT is set. */
  readonly permutes: boolean;
}

interface FoundOption {
  readonly letter: string;
  readonly value: string;
}

export interface Parsed {
  /** In order, up to the first error. */
  readonly options: readonly FoundOption[];
  /** What glibc says of the first error, behind the program's name. */
  readonly error: string | undefined;
  /** The indexes of the operands. */
  readonly operands: readonly number[];
}

/** Reads options as getopt_long(3) of glibc does, abbreviated long names included. */
export function getopt(args: readonly string[], grammar: Grammar): Parsed {
  const options: FoundOption[] = [];
  const operands: number[] = [];
  const parsed = (error?: string): Parsed => ({ options, error, operands });
  for (let index = 0; index < args.length; index++) {
    const word = args[index] as string;
    if (word === '--') {
      operands.push(...indexes(index + 1, args.length));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (!grammar.permutes) {
        operands.push(...indexes(index, args.length));
        break;
      }
      operands.push(index);
      continue;
    }
    const isLong = word.startsWith('--') && grammar.long.length > 0;
    const found = isLong
      ? longOption(word, args[index + 1], grammar)
      : shortOptions(word, args[index + 1], grammar);
    options.push(...found.options);
    if (found.error !== undefined) return parsed(found.error);
    if (found.usesNext) index++;
  }
  return parsed();
}

function indexes(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

interface Word {
  readonly options: readonly FoundOption[];
  readonly error?: string;
  readonly usesNext?: boolean;
}

function takesValue({ short }: Grammar, letter: string): boolean {
  return short[short.indexOf(letter) + 1] === ':';
}

/** Several may share a word. One that takes a value takes the rest of the word, or the next word. */
function shortOptions(word: string, next: string | undefined, grammar: Grammar): Word {
  const options: FoundOption[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string;
    if (letter === ':' || !grammar.short.includes(letter)) {
      return { options, error: `invalid option -- '${letter}'` };
    }
    if (!takesValue(grammar, letter)) {
      options.push({ letter, value: '' });
      continue;
    }
    const rest = word.slice(at + 1);
    if (rest !== '') return { options: [...options, { letter, value: rest }] };
    if (next === undefined) return { options, error: `option requires an argument -- '${letter}'` };
    return { options: [...options, { letter, value: next }], usesNext: true };
  }
  return { options };
}

function longOption(word: string, next: string | undefined, grammar: Grammar): Word {
  const [, typed = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const candidates = grammar.long.filter(([name]) => name.startsWith(typed));
  const option = candidates.find(([name]) => name === typed) ?? candidates[0];
  if (option === undefined) return { options: [], error: `unrecognized option '${word}'` };
  const [name, letter] = option;
  if (name !== typed && candidates.length > 1) {
    const possibilities = candidates.map(([candidate]) => `'--${candidate}'`).join(' ');
    return { options: [], error: `option '${word}' is ambiguous; possibilities: ${possibilities}` };
  }
  if (!takesValue(grammar, letter)) {
    if (attached !== undefined) return { options: [], error: `option '--${name}' doesn't allow an argument` };
    return { options: [{ letter, value: '' }] };
  }
  const value = attached ?? next;
  if (value === undefined) return { options: [], error: `option '--${name}' requires an argument` };
  return { options: [{ letter, value }], usesNext: attached === undefined };
}
