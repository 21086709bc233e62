import type { InitOptions } from '../init/options.ts';
import { Failure } from '../lifecycle/failure.ts';
import { quoted } from '../process-tree/printable-name.ts';
import { nearest } from './nearest.ts';
import { type DialectName, defaultOptions, type Option, type Settings, options as table } from './options.ts';

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
  | { readonly kind: 'prepare' | 'help' | 'version' };

/** As the first argument, these ask for something else than a command: what the container offers, or a faster start. */
export const ownWords: readonly string[] = ['doctor', 'prepare'];

/**
 * Reads the words of SUBREAPER_OPTIONS, then the arguments, in POSIX order: options end at "--" or at the first
 * operand. A later option overrides an earlier one.
 * @param defaults the options of a command line that gives none
 * @throws Failure 125 for wrong usage
 */
export function parseCommandLine(
  optionsVariable: string,
  args: readonly string[],
  defaults: InitOptions = defaultOptions,
): Invocation {
  if (args[0] === 'doctor') return parseDoctor(args.slice(1));
  if (args[0] === 'prepare') return parsePrepare(args.slice(1));
  const variableWords = optionsVariable.split(/\s+/).filter((word) => word !== '');
  const fromVariable = parseOptions(variableWords, defaults);
  if (fromVariable.operands > 0) {
    const operand = variableWords[variableWords.length - fromVariable.operands] as string;
    throw usage(
      `SUBREAPER_OPTIONS holds ${quoted(operand)}`,
      'it takes options only; pass the command as arguments',
    );
  }
  if (fromVariable.settings.dialect !== undefined) {
    throw usage('SUBREAPER_OPTIONS holds --dialect', 'it changes what arguments mean; pass it before them');
  }
  const { settings, operands } = parseOptions(args, fromVariable.settings);
  const { asked, dialect, ...options } = settings;
  if (asked !== undefined) return { kind: asked };
  if (dialect !== undefined && options.pause) {
    throw usage('--pause with --dialect', 'the other program has no such option; leave one of them out');
  }
  if (dialect !== undefined) return { kind: 'dialect', name: dialect, options, operands };
  if (options.pause && operands > 0) {
    throw usage('--pause with a command', '--pause runs no command; leave one of them out');
  }
  if (options.pause && options.restart.kind !== 'no') {
    throw usage('--pause with --restart', '--pause runs no command to start again; leave one of them out');
  }
  if (!options.pause && operands === 0) {
    throw usage('no command', 'there is nothing to run; subreaper [options] -- command [args]');
  }
  return { kind: 'run', options, operands };
}

/** Reads what follows the word: [--json] [[--] command]. No option of init's matters, since nothing runs. */
function parseDoctor(args: readonly string[]): Invocation {
  const json = args[0] === '--json';
  const words = json ? args.slice(1) : args;
  const [word] = words;
  if (word === '--') return { kind: 'doctor', json, operands: words.length - 1 };
  if (word === '--help' || word === '-h') return { kind: 'help' };
  // What follows "=" may be a secret.
  if (word?.startsWith('-') && word !== '-')
    throw usage(
      `doctor with ${quoted(word.replace(/=.*/s, ''))}`,
      'its one option is --json; leave the others out',
    );
  return { kind: 'doctor', json, operands: words.length };
}

function parsePrepare(args: readonly string[]): Invocation {
  const [word] = args;
  if (word === '--help' || word === '-h') return { kind: 'help' };
  if (word !== undefined)
    throw usage('prepare with arguments', 'it takes none; to run a command of that name, write -- before it');
  return { kind: 'prepare' };
}

/** Reads the options at the start of `words`. `before` holds the options read so far. */
function parseOptions(
  words: readonly string[],
  before: Settings,
): { readonly settings: Settings; readonly operands: number } {
  let settings = before;
  let index = 0;

  /** @param attached what the word holds behind the name; without it, an option's value is the next word */
  function read(name: string, option: Option, attached: string | undefined): void {
    const value = option.value === undefined ? '' : (attached ?? words[++index]);
    if (value === undefined)
      throw usage(`${name} has no value`, `it needs one; write ${name} ${option.value}`);
    settings = { ...settings, ...option.read(value, settings) };
  }

  for (; index < words.length && settings.dialect === undefined; index++) {
    const word = words[index] as string;
    if (word === '--') {
      index++;
      break;
    }
    if (word.startsWith('--')) {
      const [, name = '', attached] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const option = optionNamed(name);
      if (option.value === undefined && attached !== undefined)
        throw usage(`${name} cannot be ${quoted(attached)}`, `it takes no value; write ${name} alone`);
      read(name, option, attached);
    } else if (word.startsWith('-') && word !== '-') {
      // Short options may share a word (-vvq). An option that takes a value takes the rest of the word, or the next word.
      for (let at = 1; at < word.length; at++) {
        const name = `-${word[at]}`;
        const option = optionNamed(name);
        read(name, option, word.slice(at + 1) || undefined);
        if (option.value !== undefined) break;
      }
    } else {
      break;
    }
  }
  return { settings, operands: words.length - index };
}

function optionNamed(name: string): Option {
  const option = table.find(({ long, short }) => name === long || name === short);
  if (option === undefined) {
    const names = table.map(({ long }) => long).filter((known) => known !== undefined);
    const near = nearest(name, names);
    const hint = near === undefined ? 'no option has a similar name' : `the nearest one is ${near}`;
    throw usage(`unknown option ${quoted(name)}`, ofOtherPrograms[name] ?? hint);
  }
  return option;
}

/** Options of tini, dumb-init and catatonit that subreaper lacks or renames, with equivalents. */
const ofOtherPrograms: Readonly<Record<string, string>> = {
  '-g': 'the equivalent is --scope group, the default; leave it out, or see --dialect',
  '-s': 'subreaper is always a subreaper; leave it out, or see --dialect',
  '-w': 'the equivalent is -vv, which reports each orphan; use that, or see --dialect',
  '-c': 'the equivalent is --scope child; use that, or see --dialect',
  '--single-child': 'the equivalent is --scope child; use that, or see --dialect',
  '--verbose': 'the equivalent is -v; use that, or see --dialect',
  '-P': 'the equivalent is --pause; use that, or see --dialect',
  '-l': 'the licence is in the package, in the file LICENSE; leave it out, or see --dialect',
  '-L': 'the licence is in the package, in the file LICENSE; leave it out, or see --dialect',
};

function usage(what: string, hint: string): Failure {
  return new Failure(125, `${what}, ${hint}; see subreaper --help`);
}
