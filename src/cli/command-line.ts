import { Failure, quoted } from '../init/failure.ts';
import type { InitOptions } from '../init/options.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';
import { defaultSettings, type Settings } from './default-settings.ts';
import { nearest } from './nearest.ts';
import { type Option, options } from './options.ts';

/** What a command line asks for. `operands` counts the arguments that are the command and its own. */
export type Invocation =
  | { readonly kind: 'run'; readonly options: InitOptions; readonly operands: number }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

const byName = new Map<string, Option>();
for (const option of options) {
  if (option.long) byName.set(option.long, option);
  if (option.short) byName.set(option.short, option);
}

/**
 * Reads SUBREAPER_OPTIONS, words apart by white space, and then the arguments, POSIX order: options end at "--" or
 * at the first operand. What comes later wins.
 * @throws Failure 125 for wrong usage
 */
export function parseCommandLine(
  optionsVariable: string,
  args: readonly string[],
  realTime: RealTimeRange,
): Invocation {
  const settings = defaultSettings();
  const words = optionsVariable.split(/\s+/).filter((word) => word !== '');
  const fromVariable = parseOptions(words, settings, realTime);
  if (fromVariable.operands > 0) {
    const operand = words[words.length - fromVariable.operands] as string;
    throw usage(
      `SUBREAPER_OPTIONS holds ${quoted(operand)}`,
      'it takes options only; pass the command as arguments',
    );
  }
  const { asked, operands } = parseOptions(args, settings, realTime);
  const information = asked ?? fromVariable.asked;
  if (information !== undefined) return { kind: information };
  if (settings.pause && operands > 0) {
    throw usage('--pause with a command', 'it runs none; leave one of them out');
  }
  if (!settings.pause && operands === 0) {
    throw usage('no command', 'there is nothing to run; subreaper [options] -- command [args]');
  }
  return { kind: 'run', options: settings, operands };
}

/** Applies the options at the start of `words`. */
function parseOptions(
  words: readonly string[],
  settings: Settings,
  realTime: RealTimeRange,
): { asked: 'help' | 'version' | undefined; operands: number } {
  let asked: 'help' | 'version' | undefined;

  /** @returns true if the value was used up */
  function apply(name: string, value: string | undefined, attached: boolean): boolean {
    const option = byName.get(name);
    if (option === undefined) {
      throw usage(
        `unknown option ${quoted(name)}`,
        `the nearest one is ${nearest(name, [...byName.keys()])}`,
      );
    }
    if (option.kind === 'value') {
      if (value === undefined) throw usage(`${name} has no value`, `it takes one; ${name} ${option.value}`);
      option.apply(settings, value, realTime);
      return true;
    }
    if (attached)
      throw usage(`${name} cannot be ${quoted(value ?? '')}`, `it takes no value; write ${name} alone`);
    if (option.kind === 'flag') option.apply(settings);
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
      const used = apply(name, attached ? rest.join('=') : words[index + 1], attached);
      if (used && !attached) index++;
    } else if (word.startsWith('-') && word !== '-') {
      // Short options may share a word (-vvq); the value of one that takes it is the word's rest, or the next word.
      for (let at = 1; at < word.length; at++) {
        const rest = word.slice(at + 1);
        const used = apply(`-${word[at]}`, rest === '' ? words[index + 1] : rest, false);
        if (!used) continue;
        if (rest === '') index++;
        break;
      }
    } else {
      break;
    }
  }
  return { asked, operands: words.length - index };
}

function usage(what: string, hint: string): Failure {
  return new Failure(125, `${what}, ${hint}; see subreaper --help`);
}
