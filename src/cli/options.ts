import type { InitOptions } from '../init/options.ts';
import { type LogLevel, logFormats, logLevels } from '../log/levels.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';
import { type DialectName, dialectNames } from './dialect-names.ts';
import { durationOf, fileOf, oneOf, remappingOf, restartOf, rewritingOf, signalOf } from './values.ts';

interface OptionBase {
  readonly long?: `--${string}`;
  readonly short?: `-${string}`;
  readonly help: string;
  /** The version that brought the option, if it is not the first one: for the manual page. */
  readonly since?: string;
  /** What init does without the option. */
  readonly default?: Partial<InitOptions>;
}

interface ValueOption extends OptionBase {
  readonly kind: 'value';
  /** The value's name in the help. */
  readonly value: string;
  readonly default: Partial<InitOptions>;
  /**
   * @param before the options read so far
   * @returns what the option changes
   * @throws Failure 125 for a value that the option does not take
   */
  readonly parse: (value: string, before: InitOptions, realTime: RealTimeRange) => Partial<InitOptions>;
}

interface Flag extends OptionBase {
  readonly kind: 'flag';
  /** @returns what the flag changes */
  readonly set: (before: InitOptions) => Partial<InitOptions>;
}

/** Prints something instead of running a command. */
export interface Inquiry extends OptionBase {
  readonly kind: 'help' | 'version' | 'doctor' | 'doctor-json';
}

/** What follows it are the arguments of another program. */
interface DialectOption extends OptionBase {
  readonly kind: 'dialect';
  readonly value: string;
  /** @throws Failure 125 for a name that it does not take */
  readonly parse: (value: string) => DialectName;
}

/** A row of the option table. */
export type Option = ValueOption | Flag | Inquiry | DialectOption;

/** The one table of options: the parser, the defaults, the help and the hints read it. The help keeps its order. */
export const options: readonly Option[] = [
  {
    kind: 'value',
    long: '--scope',
    value: 'group|child|tree',
    help: "whom a signal reaches: the workload's process group (default), it alone, every descendant",
    default: { scope: 'group' },
    parse: (value) => ({ scope: oneOf(['group', 'child', 'tree'], value, '--scope') }),
  },
  {
    kind: 'value',
    long: '--rewrite',
    short: '-r',
    value: 'FROM:TO',
    help: 'forward signal TO for FROM; FROM:0 drops it; repeatable',
    default: { rewrite: new Map() },
    parse: (value, { rewrite }, realTime) => ({
      rewrite: new Map([...rewrite, rewritingOf(value, '--rewrite', realTime)]),
    }),
  },
  {
    kind: 'value',
    long: '--remap-exit',
    short: '-e',
    value: 'CODE[:TO]',
    help: 'end with TO (default 0) where the workload ended with CODE; repeatable',
    default: { remapExit: new Map() },
    parse: (value, { remapExit }) => ({
      remapExit: new Map([...remapExit, remappingOf(value, '--remap-exit')]),
    }),
  },
  {
    kind: 'value',
    long: '--grace',
    value: 'DURATION',
    help: 'what survivors get between SIGTERM and SIGKILL once the workload has ended (default 2s)',
    default: { graceMs: 2000 },
    parse: (value) => ({ graceMs: durationOf(value, '--grace') }),
  },
  {
    kind: 'value',
    long: '--until',
    value: 'main|all',
    help: 'end when the workload ends (default), or when the last descendant does (a daemon)',
    default: { until: 'main' },
    parse: (value) => ({ until: oneOf(['main', 'all'], value, '--until') }),
  },
  {
    kind: 'value',
    long: '--stop-timeout',
    value: 'DURATION',
    help: 'SIGKILL everything if the workload still runs this long after it got a stop signal',
    default: { stopTimeoutMs: undefined },
    parse: (value) => ({ stopTimeoutMs: durationOf(value, '--stop-timeout') }),
  },
  {
    kind: 'value',
    long: '--stop-delay',
    value: 'DURATION',
    help: 'hold the first stop signal this long; a second one goes through at once',
    default: { stopDelayMs: 0 },
    parse: (value) => ({ stopDelayMs: durationOf(value, '--stop-delay') }),
  },
  {
    kind: 'value',
    long: '--restart',
    value: 'no|on-failure[:N]|always',
    help: 'start the workload again, N times in a row at most (default no)',
    default: { restart: { kind: 'no' } },
    parse: (value) => ({ restart: restartOf(value, '--restart') }),
  },
  {
    kind: 'flag',
    long: '--pause',
    help: 'run no command: reap until a stop signal comes',
    default: { pause: false },
    set: () => ({ pause: true }),
  },
  {
    kind: 'value',
    long: '--parent-death-signal',
    short: '-p',
    value: 'SIGNAL',
    help: 'have the kernel send init this signal when its parent dies',
    default: { parentDeathSignal: undefined },
    parse: (value, _, realTime) => ({
      parentDeathSignal: signalOf(value, '--parent-death-signal', realTime),
    }),
  },
  {
    kind: 'flag',
    long: '--until-owner',
    help: 'end the whole tree when the process that started init ends, in whatever way',
    default: { untilOwner: false },
    set: () => ({ untilOwner: true }),
  },
  {
    kind: 'flag',
    long: '--until-stdin-closes',
    help: 'end the whole tree, after --grace, when standard input (a pipe or a socket) reaches its end',
    default: { untilStdinCloses: false },
    set: () => ({ untilStdinCloses: true }),
  },
  {
    kind: 'value',
    long: '--termination-log',
    value: 'FILE',
    help: 'write why init ended badly into FILE, one line (default /dev/termination-log, if it is there)',
    default: { terminationLog: undefined },
    parse: (value) => ({ terminationLog: fileOf(value, '--termination-log') }),
  },
  {
    kind: 'value',
    long: '--report',
    value: 'FILE',
    help: 'write what happened into FILE at the end, one JSON object; - is standard error',
    default: { report: undefined },
    parse: (value) => ({ report: value === '-' ? value : fileOf(value, '--report') }),
  },
  {
    kind: 'value',
    long: '--trace',
    value: 'FILE',
    help: 'write the life of every process into FILE at the end, for Perfetto or chrome://tracing',
    default: { trace: undefined },
    parse: (value) => ({ trace: fileOf(value, '--trace') }),
  },
  {
    kind: 'value',
    long: '--log-level',
    value: 'LEVEL',
    help: `how much of its own doing init logs: ${logLevels.join(', ')} (default warn)`,
    default: { logLevel: 'warn' },
    parse: (value) => ({ logLevel: oneOf(logLevels, value, '--log-level') }),
  },
  {
    kind: 'flag',
    short: '-v',
    help: 'one log level more; repeatable',
    set: ({ logLevel }) => ({ logLevel: shiftLevel(logLevel, 1) }),
  },
  {
    kind: 'flag',
    short: '-q',
    help: 'one log level less; repeatable',
    set: ({ logLevel }) => ({ logLevel: shiftLevel(logLevel, -1) }),
  },
  {
    kind: 'value',
    long: '--log-format',
    value: 'json|pretty',
    help: 'how init writes its log on standard error (default pretty on a terminal, else json)',
    default: { logFormat: undefined },
    parse: (value) => ({ logFormat: oneOf(logFormats, value, '--log-format') }),
  },
  {
    kind: 'dialect',
    long: '--dialect',
    value: 'NAME',
    help: `take what follows as ${dialectNames.join(', ')} would, and be it`,
    parse: (value) => oneOf(dialectNames, value, '--dialect'),
  },
  {
    kind: 'doctor',
    long: '--doctor',
    help: 'say what this container offers, and which duties of an init can be done',
  },
  { kind: 'doctor-json', long: '--doctor-json', help: 'the same, for machines' },
  { kind: 'help', long: '--help', short: '-h', help: 'show this help' },
  { kind: 'version', long: '--version', short: '-V', help: 'show the version' },
];

/** What only a dialect can change. */
const dialectOptions: Pick<InitOptions, 'leads' | 'subreaper' | 'catchFaults' | 'suspendOn' | 'survivors'> = {
  leads: 'group',
  subreaper: true,
  catchFaults: false,
  suspendOn: [],
  survivors: 'end',
};

/** The options of a command line that gives none. A unit test proves that no default is missing. */
export const defaultOptions: InitOptions = Object.assign(
  { ...dialectOptions },
  ...options.map((option) => option.default),
);

/** The options that a command line has given another value than their default, by their names, without some. */
export function given(chosen: InitOptions, without: readonly (keyof InitOptions)[]): string[] {
  return options.flatMap(({ long, short, default: ownDefault = {} }) => {
    const isGiven = (Object.keys(ownDefault) as (keyof InitOptions)[]).some(
      (key) => !without.includes(key) && chosen[key] !== defaultOptions[key],
    );
    return isGiven ? [(long ?? short) as string] : [];
  });
}

function shiftLevel(level: LogLevel, by: number): LogLevel {
  const index = Math.min(Math.max(logLevels.indexOf(level) + by, 0), logLevels.length - 1);
  return logLevels[index] as LogLevel;
}
