import { resolve } from 'node:path';
import { Failure } from '../lifecycle/failure.ts';
import type { RestartPolicy } from '../lifecycle/options.ts';
import type { Signal } from '../native/types.ts';
import { quoted } from '../process-tree/printable-name.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { parseSignal, realTimeRange, signalNames } from '../signals/signal-names.ts';
import { nearest } from './nearest.ts';

// Each function reads an option's value, and throws Failure 125, with an example, for one that the option does not take.

export function oneOf<Choice extends string>(
  choices: readonly Choice[],
  value: string,
  option: string,
): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  const why = `it takes ${choices.join(', ')}`;
  const near = nearest(value, choices);
  if (near !== undefined) throw wrongValue(option, value, why, `${option} ${near}`);
  throw new Failure(125, `${option} cannot be ${quoted(value)}, ${why}; use one of these`);
}

/** @returns an absolute path: init leaves its directory */
export function fileOf(value: string, option: string): string {
  // With "--" the name was forgotten. "-" is no file.
  if (value === '' || value === '--' || value === '-')
    throw wrongValue(option, value, 'it takes a file name', `${option} /tmp/why`);
  try {
    return resolve(value);
  } catch {
    // getcwd(3) fails.
    throw wrongValue(
      option,
      value,
      'the working directory has been deleted, or cannot be searched',
      'an absolute path',
    );
  }
}

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, '': 1000 };
/** The longest that a timer of node's can wait: 2^31 - 1 ms, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** @returns milliseconds */
export function durationOf(value: string, option: string): number {
  const wrong = (why: string) => wrongValue(option, value, why, '500ms, 10s or 2m');
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-zµ]*)$/i.exec(value) ?? [];
  if (amount === undefined) throw wrong('it takes a duration, a number and a unit');
  if (!Object.hasOwn(millisecondsOf, unit)) throw wrong(`there is no unit ${quoted(unit)}`);
  const milliseconds = Math.round(Number(amount) * (millisecondsOf[unit] as number));
  if (milliseconds > LONGEST_MS) throw wrong('the longest duration is 24 days');
  return milliseconds;
}

export function signalOf(value: string, option: string): Signal {
  const signal = parseSignal(value);
  if (signal === undefined) {
    const name = value.toUpperCase().replace(/^SIG/, '');
    throw wrongValue(
      option,
      value,
      'there is no such signal',
      `${nearest(name, signalNames()) ?? 'TERM'}, a number from 1 to ${realTimeRange().last}, or RTMIN+n`,
    );
  }
  return signal;
}

/** @returns FROM and TO */
export function rewritingOf(value: string, option: string): [Signal, Signal | 'drop'] {
  const [from, to, ...more] = value.split(':');
  if (!from || !to || more.length > 0) {
    throw wrongValue(option, value, 'it takes two signals, FROM:TO', '-r TERM:INT, or -r HUP:0 to drop HUP');
  }
  const signal = signalOf(from, option);
  if (!forwardedSignals().includes(signal)) {
    throw wrongValue(option, value, `init does not forward ${quoted(from)}`, 'TERM, or RTMIN+3');
  }
  return [signal, to === '0' ? 'drop' : signalOf(to, option)];
}

/** @returns CODE and TO */
export function remappingOf(value: string, option: string): [number, number] {
  const match = /^(\d{1,3})(?::(\d{1,3}))?$/.exec(value);
  const code = Number(match?.[1]);
  const to = Number(match?.[2] ?? 0);
  if (match === null || code > 255 || to > 255) {
    throw wrongValue(option, value, 'exit statuses are 0 to 255', '-e 143, or -e 143:1');
  }
  return [code, to];
}

export function restartOf(value: string, option: string): RestartPolicy {
  const [kind = '', limit, ...more] = value.split(':');
  const isCount = limit !== undefined && /^[1-9]\d{0,8}$/.test(limit);
  if (kind === 'on-failure' && more.length === 0 && (limit === undefined || isCount)) {
    return { kind, limit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit) };
  }
  if (kind === 'on-failure') {
    throw wrongValue(option, value, 'N is a number of restarts', 'on-failure:3');
  }
  return { kind: oneOf(['no', 'always', 'on-failure'], value, option) as 'no' | 'always' };
}

function wrongValue(option: string, value: string, why: string, example: string): Failure {
  return new Failure(125, `${option} cannot be ${quoted(value)}, ${why}; try ${example}`);
}
