import { Failure, quoted } from '../init/failure.ts';
import type { InitOptions } from '../init/options.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';
import type { DialectName } from './dialect-names.ts';
import { nearest } from './nearest.ts';
import { defaultOptions, type Inquiry, type Option, optionMeantBy, options as table } from './options.ts';

/** What a command line asks for. `operands` counts the last arguments: the command and its own arguments. */
export type Invocation =
  | { readonly kind: 'run'; readonly options: InitOptions; readonly operands: number }
  /** `operands` counts those of the command that would be run. */
  | { readonly kind: 'doctor'; readonly json: boolean; readonly operands: number }
  /** What follows are the arguments of another program. `options` are those before. */
  | {
      readonly kind: 'dialect';
      readonly name: DialectName;
      readonly options: InitOptions;
      readonly operands: number;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/**
 * Reads the words of SUBREAPER_OPTIONS, then the arguments, in POSIX order: options end at "--" or at the first
 * operand. A later option overrides an earlier one.
 * @param defaults the options of a command line that gives none
 * @throws Failure 125 for wrong usage
 */
export function parseCommandLine(
  optionsVariable: string,
  args: readonly string[],
  realTime: RealTimeRange,
  defaults: InitOptions = defaultOptions,
): Invocation {
  const variableWords = optionsVariable.split(/\s+/).filter((word) => word !== '');
  const fromVariable = parseOptions(variableWords, defaults, realTime);
  if (fromVariable.operands > 0) {
    const operand = variableWords[variableWords.length - fromVariable.operands] as string;
    throw usage(
      `SUBREAPER_OPTIONS holds ${quoted(operand)}`,
      'it takes options only; pass the command as arguments',
    );
  }
  if (fromVariable.dialect !== undefined) {
    throw usage('SUBREAPER_OPTIONS holds --dialect', 'it changes what arguments mean; pass it before them');
  }
  const meant = optionMeantBy(args[0]);
  const words = meant === undefined ? args : [meant, ...args.slice(1)];
  const fromWords = parseOptions(words, fromVariable.options, realTime);
  const { options, dialect, operands } = fromWords;
  const asked = fromWords.asked ?? fromVariable.asked;
  const json = fromWords.json || fromVariable.json;
  if (asked === 'doctor') return { kind: 'doctor', json, operands };
  if (json)
    throw usage('--json without --doctor', 'nothing else is printed so; write subreaper doctor --json');
  if (asked !== undefined) return { kind: asked };
  if (dialect !== undefined && options.pause) {
    throw usage('--pause with --dialect', 'another program has no such option; leave one of them out');
  }
  if (dialect !== undefined) return { kind: 'dialect', name: dialect, options, operands };
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
): {
  options: InitOptions;
  asked: Inquiry['kind'] | undefined;
  json: boolean;
  dialect: DialectName | undefined;
  operands: number;
} {
  let options = before;
  let dialect: DialectName | undefined;
  let asked: Inquiry['kind'] | undefined;
  let json = false;

  /** @returns whether the option took the value */
  function read(name: string, value: string | undefined, attached: boolean): boolean {
    const option = optionNamed(name);
    if (option.kind === 'value' || option.kind === 'dialect') {
      if (value === undefined) throw usage(`${name} has no value`, `it takes one; ${name} ${option.value}`);
      if (option.kind === 'dialect') dialect = option.parse(value);
      else options = { ...options, ...option.parse(value, options, realTime) };
      return true;
    }
    if (attached)
      throw usage(`${name} cannot be ${quoted(value ?? '')}`, `it takes no value; write ${name} alone`);
    if (option.kind === 'flag') options = { ...options, ...option.set(options) };
    else if (option.kind === 'json') json = true;
    else asked = option.kind;
    return false;
  }

  let index = 0;
  for (; index < words.length && dialect === undefined; index++) {
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
  return { options, asked, json, dialect, operands: words.length - index };
}

function optionNamed(name: string): Option {
  const option = table.find(({ long, short }) => name === long || name === short);
  if (option === undefined) {
    const names = table.flatMap(({ long, short }) => [long, short]).filter((known) => known !== undefined);
    const hint = ofOtherPrograms[name] ?? `the nearest one is ${nearest(name, names)}`;
    throw usage(`unknown option ${quoted(name)}`, hint);
  }
  return option;
}

/** Options of tini, dumb-init and catatonit that subreaper has not, or not by that name: what does the same here. */
const ofOtherPrograms: Readonly<Record<string, string>> = {
  '-g': 'the option for that is --scope group, which is the default; leave it out, or see --dialect',
  '-s': 'subreaper is always a subreaper; leave it out, or see --dialect',
  '-w': 'the option that tells of each orphan is -vv; use that, or see --dialect',
  '-c': 'the option for that is --scope child; use that, or see --dialect',
  '--single-child': 'the option for that is --scope child; use that, or see --dialect',
  '--verbose': 'the option for that is -v; use that, or see --dialect',
  '-P': 'the option for that is --pause; use that, or see --dialect',
  '-l': 'the licence is in the file LICENSE of the package; leave it out, or see --dialect',
  '-L': 'the licence is in the file LICENSE of the package; leave it out, or see --dialect',
};

function usage(what: string, hint: string): Failure {
  return new Failure(125, `${what}, ${hint}; see subreaper --help`);
}
