import { Failure, quoted } from '../init/failure.ts';
import type { InitOptions } from '../init/options.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';
import { nearest } from './nearest.ts';
import { defaultOptions, type Inquiry, type Option, options as table } from './options.ts';

/** What a command line asks for. `operands` counts the last arguments: the command and its own arguments. */
export type Invocation =
  | { readonly kind: 'run'; readonly options: InitOptions; readonly operands: number }
  /** `operands` counts those of the command that would be run. */
  | { readonly kind: 'doctor'; readonly json: boolean; readonly operands: number }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/**
 * Reads the words of SUBREAPER_OPTIONS, then the arguments, in POSIX order: options end at "--" or at the first
 * operand. A later option overrides an earlier one.
 * @throws Failure 125 for wrong usage
 */
export function parseCommandLine(
  optionsVariable: string,
  args: readonly string[],
  realTime: RealTimeRange,
): Invocation {
  const words = optionsVariable.split(/\s+/).filter((word) => word !== '');
  const fromVariable = parseOptions(words, defaultOptions, realTime);
  if (fromVariable.operands > 0) {
    const operand = words[words.length - fromVariable.operands] as string;
    throw usage(
      `SUBREAPER_OPTIONS holds ${quoted(operand)}`,
      'it takes options only; pass the command as arguments',
    );
  }
  const { options, asked, operands } = parseOptions(args, fromVariable.options, realTime);
  const information = asked ?? fromVariable.asked;
  if (information === 'doctor' || information === 'doctor-json') {
    return { kind: 'doctor', json: information === 'doctor-json', operands };
  }
  if (information !== undefined) return { kind: information };
  if (options.pause && operands > 0) {
    throw usage('--pause with a command', '--pause runs no command; leave one of them out');
  }
  if (!options.pause && operands === 0) {
    throw usage('no command', 'there is nothing to run; subreaper [options] -- command [args]');
  }
  return { kind: 'run', options, operands };
}

/** Reads the options at the start of `words`. `before` holds the options read so far. */
function parseOptions(
  words: readonly string[],
  before: InitOptions,
  realTime: RealTimeRange,
): { options: InitOptions; asked: Inquiry['kind'] | undefined; operands: number } {
  let options = before;
  let asked: Inquiry['kind'] | undefined;

  /** @returns whether the option took the value */
  function read(name: string, value: string | undefined, attached: boolean): boolean {
    const option = optionNamed(name);
    if (option.kind === 'value') {
      if (value === undefined) throw usage(`${name} has no value`, `it takes one; ${name} ${option.value}`);
      options = { ...options, ...option.parse(value, options, realTime) };
      return true;
    }
    if (attached)
      throw usage(`${name} cannot be ${quoted(value ?? '')}`, `it takes no value; write ${name} alone`);
    if (option.kind === 'flag') options = { ...options, ...option.set(options) };
    else asked = option.kind;
    return false;
  }

  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '--') {
      index++;
      break;
    }
    if (word.startsWith('--')) {
      const [name = '', ...rest] = word.split('=');
      const attached = rest.length > 0;
      const used = read(name, attached ? rest.join('=') : words[index + 1], attached);
      if (used && !attached) index++;
    } else if (word.startsWith('-') && word !== '-') {
      // Short options may share a word (-vvq). An option that takes a value takes the rest of the word, or the next word.
      for (let at = 1; at < word.length; at++) {
        const rest = word.slice(at + 1);
        const used = read(`-${word[at]}`, rest === '' ? words[index + 1] : rest, false);
        if (!used) continue;
        if (rest === '') index++;
        break;
      }
    } else {
      break;
    }
  }
  return { options, asked, operands: words.length - index };
}

function optionNamed(name: string): Option {
  const option = table.find(({ long, short }) => name === long || name === short);
  if (option === undefined) {
    const names = table.flatMap(({ long, short }) => [long, short]).filter((known) => known !== undefined);
    throw usage(`unknown option ${quoted(name)}`, `the nearest one is ${nearest(name, names)}`);
  }
  return option;
}

function usage(what: string, hint: string): Failure {
  return new Failure(125, `${what}, ${hint}; see subreaper --help`);
}
