import { resolve } from 'node:path';
import { Failure, quoted } from '../init/failure.ts';
import type { RestartPolicy } from '../init/options.ts';
import type { Signal } from '../native/types.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { parseSignal, type RealTimeRange, signalNames } from '../signals/signal-names.ts';
import { durationFault, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';

// Each function reads an option's value, and throws Failure 125, with an example, for one that the option does not take.

export function oneOf<Choice extends string>(
  choices: readonly Choice[],
  value: string,
  option: string,
): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw wrongValue(option, value, `it takes ${choices.join(', ')}`, `${option} ${nearest(value, choices)}`);
  }
  return choice;
}

/** @returns an absolute path: init leaves its directory */
export function fileOf(value: string, option: string): string {
  // With "--" the name was forgotten. "-" is no file.
  if (value === '' || value === '--' || value === '-')
    throw wrongValue(option, value, 'it takes the name of a file', `${option} /tmp/why`);
  return resolve(value);
}

/** @returns milliseconds */
export function durationOf(value: string, option: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined) {
    throw wrongValue(option, value, durationFault(value), '500ms, 10s or 2m');
  }
  return milliseconds;
}

export function signalOf(value: string, option: string, realTime: RealTimeRange): Signal {
  const signal = parseSignal(value, realTime);
  if (signal === undefined) {
    const name = value.toUpperCase().replace(/^SIG/, '');
    throw wrongValue(
      option,
      value,
      'there is no such signal',
      `${nearest(name, signalNames())}, a number from 1 to ${realTime.last}, or RTMIN+n`,
    );
  }
  return signal;
}

/** @returns FROM and TO */
export function rewritingOf(
  value: string,
  option: string,
  realTime: RealTimeRange,
): [Signal, Signal | 'drop'] {
  const [from, to, ...more] = value.split(':');
  if (!from || !to || more.length > 0) {
    throw wrongValue(option, value, 'it takes two signals, FROM:TO', '-r TERM:INT, or -r HUP:0 to drop HUP');
  }
  const signal = signalOf(from, option, realTime);
  if (!forwardedSignals(realTime).includes(signal)) {
    throw wrongValue(option, value, `init does not forward ${quoted(from)}`, 'TERM, or RTMIN+3');
  }
  return [signal, to === '0' ? 'drop' : signalOf(to, option, realTime)];
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
