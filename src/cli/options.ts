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
  readonly kind: 'help' | 'version' | 'doctor';
  readonly long: `--${string}`;
  /** As the first argument it means the option. */
  readonly word?: string;
}

/** How the answer to an inquiry is printed. */
interface AnswerFormat extends OptionBase {
  readonly kind: 'json';
}

/** What follows it are the arguments of another program. */
interface DialectOption extends OptionBase {
  readonly kind: 'dialect';
  readonly value: string;
  /** @throws Failure 125 for a name that it does not take */
  readonly parse: (value: string) => DialectName;
}

/** A row of the option table. */
export type Option = ValueOption | Flag | Inquiry | AnswerFormat | DialectOption;

/** The one table of options: the parser, the defaults, the help and the hints read it. The help keeps its order. */
export const options: readonly Option[] = [
  {
    kind: 'value',
    long: '--scope',
    value: 'group|child|tree',
    help: "who gets forwarded signals: the command's process group (default), the command alone, every descendant",
    default: { scope: 'group' },
    parse: (value) => ({ scope: oneOf(['group', 'child', 'tree'], value, '--scope') }),
  },
  {
    kind: 'value',
    long: '--rewrite',
    short: '-r',
    value: 'FROM:TO',
    help: 'forward signal TO instead of FROM; FROM:0 drops FROM; repeatable',
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
    help: 'exit with TO (default 0) instead of CODE; repeatable',
    default: { remapExit: new Map() },
    parse: (value, { remapExit }) => ({
      remapExit: new Map([...remapExit, remappingOf(value, '--remap-exit')]),
    }),
  },
  {
    kind: 'value',
    long: '--grace',
    value: 'DURATION',
    help: 'time between SIGTERM and SIGKILL for processes that the command leaves running (default 2s)',
    default: { graceMs: 2000 },
    parse: (value) => ({ graceMs: durationOf(value, '--grace') }),
  },
  {
    kind: 'value',
    long: '--until',
    value: 'main|all',
    help: 'end with the command (default), or with its last descendant, a daemon for example',
    default: { until: 'main' },
    parse: (value) => ({ until: oneOf(['main', 'all'], value, '--until') }),
  },
  {
    kind: 'value',
    long: '--stop-timeout',
    value: 'DURATION',
    help: 'SIGKILL everything if the command still runs this long after a stop signal (default off)',
    default: { stopTimeoutMs: undefined },
    parse: (value) => ({ stopTimeoutMs: durationOf(value, '--stop-timeout') }),
  },
  {
    kind: 'value',
    long: '--stop-delay',
    value: 'DURATION',
    help: 'hold the first stop signal this long (default 0); a second one goes through at once',
    default: { stopDelayMs: 0 },
    parse: (value) => ({ stopDelayMs: durationOf(value, '--stop-delay') }),
  },
  {
    kind: 'value',
    long: '--restart',
    value: 'no|on-failure[:N]|always',
    help: 'start the command again after a failure (at most N times in a row) or after any end (default no)',
    default: { restart: { kind: 'no' } },
    parse: (value) => ({ restart: restartOf(value, '--restart') }),
  },
  {
    kind: 'flag',
    long: '--pause',
    help: 'run no command; reap until a stop signal comes',
    default: { pause: false },
    set: () => ({ pause: true }),
  },
  {
    kind: 'value',
    long: '--parent-death-signal',
    short: '-p',
    value: 'SIGNAL',
    help: "have the kernel send subreaper this signal when subreaper's parent dies",
    default: { parentDeathSignal: undefined },
    parse: (value, _, realTime) => ({
      parentDeathSignal: signalOf(value, '--parent-death-signal', realTime),
    }),
  },
  {
    kind: 'flag',
    long: '--until-owner',
    help: 'end the whole tree when the process that started subreaper ends',
    default: { untilOwner: false },
    set: () => ({ untilOwner: true }),
  },
  {
    kind: 'flag',
    long: '--until-stdin-closes',
    help: 'end the whole tree when standard input (a pipe or a socket) ends; the command gets --grace first',
    default: { untilStdinCloses: false },
    set: () => ({ untilStdinCloses: true }),
  },
  {
    kind: 'value',
    long: '--termination-log',
    value: 'FILE',
    help: 'write one line into FILE that says why it ended badly (default /dev/termination-log, if that exists)',
    default: { terminationLog: undefined },
    parse: (value) => ({ terminationLog: fileOf(value, '--termination-log') }),
  },
  {
    kind: 'value',
    long: '--report',
    value: 'FILE',
    help: 'write a JSON report into FILE at the end; - is standard error',
    default: { report: undefined },
    parse: (value) => ({ report: value === '-' ? value : fileOf(value, '--report') }),
  },
  {
    kind: 'value',
    long: '--trace',
    value: 'FILE',
    help: 'write a trace of every process into FILE at the end, for Perfetto or chrome://tracing',
    default: { trace: undefined },
    parse: (value) => ({ trace: fileOf(value, '--trace') }),
  },
  {
    kind: 'value',
    long: '--log-level',
    value: 'LEVEL',
    help: `least level that is logged: ${logLevels.join(', ')} (default warn)`,
    default: { logLevel: 'warn' },
    parse: (value) => ({ logLevel: oneOf(logLevels, value, '--log-level') }),
  },
  {
    kind: 'flag',
    short: '-v',
    help: 'log one level more; repeatable',
    set: ({ logLevel }) => ({ logLevel: shiftLevel(logLevel, 1) }),
  },
  {
    kind: 'flag',
    short: '-q',
    help: 'log one level less; repeatable',
    set: ({ logLevel }) => ({ logLevel: shiftLevel(logLevel, -1) }),
  },
  {
    kind: 'value',
    long: '--log-format',
    value: 'json|pretty',
    help: 'form of the log on standard error (default pretty on a terminal, else json)',
    default: { logFormat: undefined },
    parse: (value) => ({ logFormat: oneOf(logFormats, value, '--log-format') }),
  },
  {
    kind: 'dialect',
    long: '--dialect',
    value: 'NAME',
    help: `behave as another init, and take its options from here on: ${dialectNames.join(', ')}`,
    parse: (value) => oneOf(dialectNames, value, '--dialect'),
  },
  {
    kind: 'doctor',
    long: '--doctor',
    word: 'doctor',
    help: 'report what this container offers an init, and run nothing; or: subreaper doctor',
  },
  { kind: 'json', long: '--json', help: 'with --doctor: print it as JSON' },
  { kind: 'help', long: '--help', short: '-h', help: 'show this help' },
  { kind: 'version', long: '--version', short: '-V', help: 'show the version' },
];

/** The option that the first argument means without being one: "subreaper doctor". */
export function optionMeantBy(word: string | undefined): `--${string}` | undefined {
  return options.find((option) => 'word' in option && option.word === word)?.long;
}

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
