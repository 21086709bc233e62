import { Failure, quoted } from '../init/failure.ts';
import type { RestartPolicy } from '../init/options.ts';
import { type LogLevel, logFormats, logLevels } from '../log/levels.ts';
import type { Signal } from '../native/types.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { parseSignal, type RealTimeRange, signalNames } from '../signals/signal-names.ts';
import type { Settings } from './default-settings.ts';
import { parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';

interface OptionBase {
  readonly long: `--${string}` | undefined;
  readonly short: `-${string}` | undefined;
  readonly help: string;
}

/** One row of the option table: the parser, the help and the hints all read it. */
export type Option = OptionBase &
  (
    | { readonly kind: 'help' | 'version' }
    | { readonly kind: 'flag'; readonly apply: (settings: Settings) => void }
    | {
        readonly kind: 'value';
        /** How the help calls the value. */
        readonly value: string;
        readonly apply: (settings: Settings, value: string, realTime: RealTimeRange) => void;
      }
  );

export const options: readonly Option[] = [
  {
    kind: 'value',
    long: '--scope',
    short: undefined,
    value: 'group|child|tree',
    help: "whom a signal reaches: the workload's process group (default), it alone, every descendant",
    apply(settings, value) {
      settings.scope = oneOf(value, ['group', 'child', 'tree'], '--scope');
    },
  },
  {
    kind: 'value',
    long: '--rewrite',
    short: '-r',
    value: 'FROM:TO',
    help: 'forward signal TO for FROM; FROM:0 drops it; repeatable',
    apply(settings, value, realTime) {
      const [from, to, ...more] = value.split(':');
      if (!from || !to || more.length > 0) {
        throw wrongValue(
          '--rewrite',
          value,
          'it takes two signals, FROM:TO',
          '-r TERM:INT, or -r HUP:0 to drop HUP',
        );
      }
      const signal = signalOf(from, '--rewrite', realTime);
      if (!forwardedSignals(realTime).includes(signal)) {
        throw wrongValue('--rewrite', value, `init does not forward ${quoted(from)}`, 'TERM, or RTMIN+3');
      }
      settings.rewrite.set(signal, to === '0' ? 'drop' : signalOf(to, '--rewrite', realTime));
    },
  },
  {
    kind: 'value',
    long: '--remap-exit',
    short: '-e',
    value: 'CODE[:TO]',
    help: 'end with TO (default 0) where the workload ended with CODE; repeatable',
    apply(settings, value) {
      const match = /^(\d{1,3})(?::(\d{1,3}))?$/.exec(value);
      const code = Number(match?.[1]);
      const to = Number(match?.[2] ?? 0);
      if (match === null || code > 255 || to > 255) {
        throw wrongValue('--remap-exit', value, 'exit statuses are 0 to 255', '-e 143, or -e 143:1');
      }
      settings.remapExit.set(code, to);
    },
  },
  {
    kind: 'value',
    long: '--grace',
    short: undefined,
    value: 'DURATION',
    help: 'what survivors get between SIGTERM and SIGKILL once the workload has ended (default 2s)',
    apply(settings, value) {
      settings.graceMs = durationOf(value, '--grace');
    },
  },
  {
    kind: 'value',
    long: '--until',
    short: undefined,
    value: 'main|all',
    help: 'end when the workload ends (default), or when the last descendant does (a daemon)',
    apply(settings, value) {
      settings.until = oneOf(value, ['main', 'all'], '--until');
    },
  },
  {
    kind: 'value',
    long: '--stop-timeout',
    short: undefined,
    value: 'DURATION',
    help: 'SIGKILL everything if the workload still runs this long after it got a stop signal',
    apply(settings, value) {
      settings.stopTimeoutMs = durationOf(value, '--stop-timeout');
    },
  },
  {
    kind: 'value',
    long: '--stop-delay',
    short: undefined,
    value: 'DURATION',
    help: 'hold the first stop signal this long; a second one goes through at once',
    apply(settings, value) {
      settings.stopDelayMs = durationOf(value, '--stop-delay');
    },
  },
  {
    kind: 'value',
    long: '--restart',
    short: undefined,
    value: 'no|on-failure[:N]|always',
    help: 'start the workload again, N times in a row at most (default no)',
    apply(settings, value) {
      settings.restart = restartOf(value);
    },
  },
  {
    kind: 'flag',
    long: '--pause',
    short: undefined,
    help: 'run no command: reap until a stop signal comes',
    apply(settings) {
      settings.pause = true;
    },
  },
  {
    kind: 'value',
    long: '--parent-death-signal',
    short: '-p',
    value: 'SIGNAL',
    help: 'have the kernel send init this signal when its parent dies',
    apply(settings, value, realTime) {
      settings.parentDeathSignal = signalOf(value, '--parent-death-signal', realTime);
    },
  },
  {
    kind: 'value',
    long: '--log-level',
    short: undefined,
    value: 'LEVEL',
    help: `how much of its own doing init logs: ${logLevels.join(', ')} (default warn)`,
    apply(settings, value) {
      settings.logLevel = oneOf(value, logLevels, '--log-level');
    },
  },
  {
    kind: 'flag',
    long: undefined,
    short: '-v',
    help: 'one log level more; repeatable',
    apply(settings) {
      settings.logLevel = shiftLevel(settings.logLevel, 1);
    },
  },
  {
    kind: 'flag',
    long: undefined,
    short: '-q',
    help: 'one log level less; repeatable',
    apply(settings) {
      settings.logLevel = shiftLevel(settings.logLevel, -1);
    },
  },
  {
    kind: 'value',
    long: '--log-format',
    short: undefined,
    value: 'json|pretty',
    help: 'how init writes its log on standard error (default json)',
    apply(settings, value) {
      settings.logFormat = oneOf(value, logFormats, '--log-format');
    },
  },
  { kind: 'help', long: '--help', short: '-h', help: 'show this help' },
  { kind: 'version', long: '--version', short: '-V', help: 'show the version' },
];

function shiftLevel(level: LogLevel, by: number): LogLevel {
  const index = Math.min(Math.max(logLevels.indexOf(level) + by, 0), logLevels.length - 1);
  return logLevels[index] as LogLevel;
}

function oneOf<Choice extends string>(value: string, choices: readonly Choice[], option: string): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw wrongValue(option, value, `it takes ${choices.join(', ')}`, `${option} ${nearest(value, choices)}`);
  }
  return choice;
}

function signalOf(text: string, option: string, realTime: RealTimeRange): Signal {
  const signal = parseSignal(text, realTime);
  if (signal === undefined) {
    const name = text.toUpperCase().replace(/^SIG/, '');
    throw wrongValue(
      option,
      text,
      'there is no such signal',
      `${nearest(name, signalNames())}, a number from 1 to ${realTime.last}, or RTMIN+n`,
    );
  }
  return signal;
}

function durationOf(value: string, option: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined) {
    throw wrongValue(option, value, 'it takes a duration of 24 days at most', '500ms, 10s or 2m');
  }
  return milliseconds;
}

function restartOf(value: string): RestartPolicy {
  const [kind = '', limit, ...more] = value.split(':');
  const isCount = limit !== undefined && /^[1-9]\d{0,8}$/.test(limit);
  if (kind === 'on-failure' && more.length === 0 && (limit === undefined || isCount)) {
    return { kind, limit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit) };
  }
  if (kind === 'on-failure') {
    throw wrongValue('--restart', value, 'N is a number of restarts', 'on-failure:3');
  }
  return { kind: oneOf(value, ['no', 'always', 'on-failure'], '--restart') as 'no' | 'always' };
}

function wrongValue(option: string, value: string, why: string, example: string): Failure {
  return new Failure(125, `${option} cannot be ${quoted(value)}, ${why}; try ${example}`);
}
