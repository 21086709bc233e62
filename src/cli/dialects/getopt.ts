/** What a program gives to getopt_long(3), and whose that is. */
interface Grammar {
  readonly libc: 'glibc' | 'musl';
  /** The letters of the options; a colon follows one that takes a value. */
  readonly short: string;
  /** Long names, and the letter that each stands for. */
  readonly long: Readonly<Record<string, string>>;
  /** Whether options may follow operands. */
  readonly permutes: boolean;
}

/** What each C library says of an error. A name is without its hyphens, a word as it was typed. */
const messages = {
  glibc: {
    unknownLetter: (letter: string) => `invalid option -- '${letter}'`,
    letterWithoutValue: (letter: string) => `option requires an argument -- '${letter}'`,
    unknownName: (word: string) => `unrecognized option '${word}'`,
    ambiguous(word: string, candidates: readonly string[]) {
      const possibilities = candidates.map((candidate) => `'--${candidate}'`).join(' ');
      return `option '${word}' is ambiguous; possibilities: ${possibilities}`;
    },
    nameWithValue: (name: string) => `option '--${name}' doesn't allow an argument`,
    nameWithoutValue: (name: string) => `option '--${name}' requires an argument`,
  },
  musl: {
    unknownLetter: (letter: string) => `unrecognized option: ${letter}`,
    letterWithoutValue: (letter: string) => `option requires an argument: ${letter}`,
    unknownName: (word: string) => `unrecognized option: ${word.slice(2)}`,
    ambiguous: (word: string) => `option is ambiguous: ${word.slice(2)}`,
    nameWithValue: (name: string) => `option does not take an argument: ${name}`,
    nameWithoutValue: (name: string) => `option requires an argument: ${name}`,
  },
} as const;

/**
 * Reads options as getopt_long(3) does, abbreviated long names included.
 * @returns the options in order, up to the first error; what the C library says of that, behind the program's name; the
 * indexes of the operands
 */
export function getopt(args: readonly string[], { libc, short, long, permutes }: Grammar) {
  const say = messages[libc];
  const options: { readonly letter: string; readonly value: string }[] = [];
  const operands: number[] = [];
  const longNames = Object.keys(long);
  const takesValue = (letter: string) => short[short.indexOf(letter) + 1] === ':';
  let error: string | undefined;
  let isOver = false;
  let index = 0;

  /** Several may share a word. One that takes a value takes the rest of the word, or the next word. */
  function readShort(word: string): string | undefined {
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] as string;
      if (letter === ':' || !short.includes(letter)) return say.unknownLetter(letter);
      if (!takesValue(letter)) {
        options.push({ letter, value: '' });
        continue;
      }
      const value = word.slice(at + 1) || args[++index];
      if (value === undefined) return say.letterWithoutValue(letter);
      options.push({ letter, value });
      return undefined;
    }
    return undefined;
  }

  function readLong(word: string): string | undefined {
    const [, typed = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const candidates = longNames.filter((name) => name.startsWith(typed));
    const name = candidates.find((candidate) => candidate === typed) ?? candidates[0];
    if (name === undefined) return say.unknownName(word);
    if (name !== typed && candidates.length > 1) return say.ambiguous(word, candidates);
    const letter = long[name] as string;
    if (!takesValue(letter) && attached !== undefined) return say.nameWithValue(name);
    const value = takesValue(letter) ? (attached ?? args[++index]) : '';
    if (value === undefined) return say.nameWithoutValue(name);
    options.push({ letter, value });
    return undefined;
  }

  for (; index < args.length && error === undefined; index++) {
    const word = args[index] as string;
    if (isOver || !word.startsWith('-') || word === '-') {
      operands.push(index);
      isOver ||= !permutes;
    } else if (word === '--') isOver = true;
    else error = word.startsWith('--') && longNames.length > 0 ? readLong(word) : readShort(word);
  }
  return { options, error, operands };
}
