import type { InitOptions } from '../init/options.ts';
import { type LogLevel, logFormats, logLevels } from '../log/log.ts';
import { durationOf, fileOf, oneOf, remappingOf, restartOf, rewritingOf, signalOf } from './values.ts';

/** The programs whose command line subreaper understands. */
const dialectNames = ['tini', 'dumb-init', 'catatonit', 'docker-init'] as const;
export type DialectName = (typeof dialectNames)[number];

/** @param name the base name that init was called by */
export function dialectCalled(name: string): DialectName | undefined {
  return name === 'tini-static' ? 'tini' : dialectNames.find((dialect) => dialect === name);
}

/** What a command line says: the options of init, or what to print or be instead. */
export interface Settings extends InitOptions {
  readonly asked?: 'help' | 'version';
  /** What follows are the arguments of this program. */
  readonly dialect?: DialectName;
}

/** A row of the option table. */
export interface Option {
  readonly long?: `--${string}`;
  readonly short?: `-${string}`;
  /** The value's name in the help; an option without one takes none. */
  readonly value?: string;
  readonly help: string;
  /** What init does without the option. */
  readonly default?: Partial<InitOptions>;
  /**
   * @param before the options read so far
   * @returns what the option changes
   * @throws Failure 125 for a value that the option does not take
   */
  readonly read: (value: string, before: InitOptions) => Partial<Settings>;
}

/** The one table of options: the parser, the defaults, the help and the hints read it. The help keeps its order. */
export const options: readonly Option[] = [
  {
    long: '--scope',
    value: 'group|child|tree',
    help: "who gets forwarded signals: the command's process group (default), the command alone, every descendant",
    default: { scope: 'group' },
    read: (value) => ({ scope: oneOf(['group', 'child', 'tree'], value, '--scope') }),
  },
  {
    long: '--rewrite',
    short: '-r',
    value: 'FROM:TO',
    help: 'forward signal TO instead of FROM; FROM:0 drops FROM; repeatable',
    default: { rewrite: new Map() },
    read: (value, { rewrite }) => ({ rewrite: new Map([...rewrite, rewritingOf(value, '--rewrite')]) }),
  },
  {
    long: '--remap-exit',
    short: '-e',
    value: 'CODE[:TO]',
    help: 'exit with TO (default 0) instead of CODE; repeatable',
    default: { remapExit: new Map() },
    read: (value, { remapExit }) => ({
      remapExit: new Map([...remapExit, remappingOf(value, '--remap-exit')]),
    }),
  },
  {
    long: '--grace',
    value: 'DURATION',
    help: 'time between SIGTERM and SIGKILL for processes that the command leaves running (default 2s)',
    default: { graceMs: 2000 },
    read: (value) => ({ graceMs: durationOf(value, '--grace') }),
  },
  {
    long: '--until',
    value: 'main|all',
    help: 'end with the command (default), or with its last descendant, a daemon for example',
    default: { until: 'main' },
    read: (value) => ({ until: oneOf(['main', 'all'], value, '--until') }),
  },
  {
    long: '--stop-timeout',
    value: 'DURATION',
    help: 'SIGKILL everything if the command is still running this long after a stop signal (default off)',
    default: { stopTimeoutMs: undefined },
    read: (value) => ({ stopTimeoutMs: durationOf(value, '--stop-timeout') }),
  },
  {
    long: '--stop-delay',
    value: 'DURATION',
    help: 'hold the first stop signal this long (default 0); a second one goes through at once',
    default: { stopDelayMs: 0 },
    read: (value) => ({ stopDelayMs: durationOf(value, '--stop-delay') }),
  },
  {
    long: '--restart',
    value: 'no|on-failure[:N]|always',
    help: 'start the command again after a failure (at most N times in a row) or after any end (default no)',
    default: { restart: { kind: 'no' } },
    read: (value) => ({ restart: restartOf(value, '--restart') }),
  },
  {
    long: '--pause',
    help: 'run no command; reap until a stop signal comes',
    default: { pause: false },
    read: () => ({ pause: true }),
  },
  {
    long: '--parent-death-signal',
    short: '-p',
    value: 'SIGNAL',
    help: "have the kernel send subreaper this signal when subreaper's parent dies",
    default: { parentDeathSignal: undefined },
    read: (value) => ({ parentDeathSignal: signalOf(value, '--parent-death-signal') }),
  },
  {
    long: '--until-owner',
    help: 'end the whole tree when the process that started subreaper ends',
    default: { untilOwner: false },
    read: () => ({ untilOwner: true }),
  },
  {
    long: '--until-stdin-closes',
    help: 'end the whole tree when standard input (a pipe or a socket) closes; the command gets --grace first',
    default: { untilStdinCloses: false },
    read: () => ({ untilStdinCloses: true }),
  },
  {
    long: '--termination-log',
    value: 'FILE',
    help: 'write one line to FILE that says why the run failed (default /dev/termination-log, if that exists)',
    default: { terminationLog: undefined },
    read: (value) => ({ terminationLog: fileOf(value, '--termination-log') }),
  },
  {
    long: '--report',
    value: 'FILE',
    help: 'write a JSON report to FILE at the end; - is standard error',
    default: { report: undefined },
    read: (value) => ({ report: value === '-' ? value : fileOf(value, '--report') }),
  },
  {
    long: '--trace',
    value: 'FILE',
    help: 'write a trace of every process to FILE at the end, for Perfetto or chrome://tracing',
    default: { trace: undefined },
    read: (value) => ({ trace: fileOf(value, '--trace') }),
  },
  {
    long: '--log-level',
    value: 'LEVEL',
    help: `lowest level to log: ${logLevels.join(', ')} (default warn)`,
    default: { logLevel: 'warn' },
    read: (value) => ({ logLevel: oneOf(logLevels, value, '--log-level') }),
  },
  {
    short: '-v',
    help: 'log one more level; repeatable',
    read: (_, { logLevel }) => ({ logLevel: shiftLevel(logLevel, 1) }),
  },
  {
    short: '-q',
    help: 'log one level less; repeatable',
    read: (_, { logLevel }) => ({ logLevel: shiftLevel(logLevel, -1) }),
  },
  {
    long: '--log-format',
    value: 'json|pretty',
    help: 'log format on standard error (default pretty on a terminal, else json)',
    default: { logFormat: undefined },
    read: (value) => ({ logFormat: oneOf(logFormats, value, '--log-format') }),
  },
  {
    long: '--dialect',
    value: 'NAME',
    help: `behave like another init, and take its options from here on: ${dialectNames.join(', ')}`,
    read: (value) => ({ dialect: oneOf(dialectNames, value, '--dialect') }),
  },
  { long: '--help', short: '-h', help: 'show this help', read: () => ({ asked: 'help' }) },
  { long: '--version', short: '-V', help: 'show the version', read: () => ({ asked: 'version' }) },
];

/** The options of a command line that gives none. A unit test proves that no default is missing. */
export const defaultOptions: InitOptions = Object.assign(
  // What only a dialect can change.
  { leads: 'group', subreaper: true, catchFaults: false, suspendOn: [], survivors: 'end' } as const,
  ...options.map((option) => option.default),
);

/** The options that a command line has given another value than their default, by their names, without some. */
export function given(chosen: InitOptions, without: readonly (keyof InitOptions)[]): string[] {
  const isGiven = (key: keyof InitOptions) => !without.includes(key) && chosen[key] !== defaultOptions[key];
  return options
    .filter((option) => (Object.keys(option.default ?? {}) as (keyof InitOptions)[]).some(isGiven))
    .map(({ long }) => long as string);
}

function shiftLevel(level: LogLevel, by: number): LogLevel {
  const index = Math.min(Math.max(logLevels.indexOf(level) + by, 0), logLevels.length - 1);
  return logLevels[index] as LogLevel;
}
