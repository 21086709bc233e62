import type * as pino from 'pino';
import type { EventRecord } from '../events/events.ts';
import { requireModule } from '../native/require.ts';
import { writeWithoutBlocking } from './destination.ts';

/** From the most to the least serious; 'silent' is a threshold only. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

/** An event, or what a remark has beside its sentence. */
export type Fields =
  | EventRecord
  | (Readonly<Record<string, string | number | undefined>> & { event?: never });

type RecordWriter = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields) => void;

export type Log = ReturnType<typeof createLog>;

/**
 * Logs init's own events on standard error. A record must not contain anything of the environment, and of argv only the
 * program's name. pino is loaded when the first record passes the threshold. That takes longer than the rest of init's
 * start-up, so call nothing here before the spawn, unless others may write to pino.
 * @param format undefined: 'pretty' on a terminal, else 'json'
 */
export function createLog(threshold: LogLevel, format: LogFormat | undefined) {
  let writer: RecordWriter | undefined;
  function loadWriter(): RecordWriter {
    writer ??= createRecordWriter(threshold, format);
    return writer;
  }
  /** Whether records of that level are written. Ask before you build one for each of 20,000 orphans. */
  const passes = (level: LogLevel) => logLevels.indexOf(level) <= logLevels.indexOf(threshold);
  /** Loads pino now, if any record can pass. */
  const load = () => {
    if (threshold !== 'silent') loadWriter();
  };
  const log = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields = {}) => {
    if (passes(level)) loadWriter()(level, message, fields);
  };
  return Object.assign(log, { passes, load, write });
}

/** Writes on standard error, where the log is. @returns whether it has */
function write(text: string): boolean {
  return writeWithoutBlocking(2, text);
}

/** Loads pino, and writes records with it. */
function createRecordWriter(threshold: LogLevel, format: LogFormat | undefined): RecordWriter {
  // Asking costs milliseconds: it loads node's streams.
  const isTerminal = format !== 'json' && process.getBuiltinModule('node:tty').isatty(2);
  const isPretty = format === undefined ? isTerminal : format === 'pretty';
  const inFormat = (line: string) => (isPretty ? prettyLine(line, isTerminal) : line);
  let pino: typeof import('pino').pino;
  // pino's dependencies read these. Node would then create its streams, which set O_NONBLOCK on the open file
  // description that the workload shares. init does not use node's streams.
  Object.defineProperty(process, 'stdout', { value: { fd: 1, isTTY: false } });
  Object.defineProperty(process, 'stderr', { value: { fd: 2, isTTY: false } });
  try {
    ({ pino } = requireModule('pino') as typeof import('pino'));
  } catch {
    // No descriptor is left to load it with, or the package is incomplete. The workload runs by now, so init continues. Its
    // records matter most when resources are short.
    return (level, msg, fields) => {
      const record = { level: levelNumber(level), time: Date.now(), ...base, ...fields, msg };
      write(inFormat(`${JSON.stringify(record)}\n`));
    };
  }
  let dropped = 0;
  const stream: pino.DestinationStream = {
    write(line) {
      if (!write(inFormat(line))) dropped++;
    },
  };
  const logger = pino({ level: threshold, base }, stream);

  return (level, message, fields) => {
    if (dropped > 0) {
      const count = dropped;
      dropped = 0;
      logger.warn({ count }, 'log records dropped: nobody reads standard error');
      if (dropped > 0) dropped = count;
    }
    logger[level](fields, message);
  };
}

const base = { name: 'subreaper', pid: process.pid };

/** pino's numbers: 60 for 'fatal' down to 10 for 'trace'. */
function levelNumber(level: LogLevel): number {
  return (logLevels.length - logLevels.indexOf(level)) * 10;
}

/** Of select graphic rendition, console_codes(4): red, yellow, green, dim. */
const colours: Readonly<Record<string, number>> = { FATAL: 31, ERROR: 31, WARN: 33, INFO: 32 };
const DIM = 2;

/** "12:34:56.789 WARN  subreaper[1]: message key=value" */
function prettyLine(line: string, isColoured: boolean): string {
  const { level, time, name, pid, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = logLevels[logLevels.length - Number(level) / 10]?.toUpperCase() ?? '';
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
  const inColour = (colour: number, text: string) => (isColoured ? `\x1b[${colour}m${text}\x1b[0m` : text);
  // A process chooses its name: a terminal must not obey it.
  const text = `${name}[${pid}]: ${msg}${pairs.join('')}`.replace(/\p{Cc}/gu, '?');
  return `${inColour(DIM, clock)} ${inColour(colours[label] ?? DIM, label.padEnd(5))} ${text}\n`;
}
