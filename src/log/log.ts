import { createRequire } from 'node:module';
import type * as pino from 'pino';
import { openDestination } from './destination.ts';

/** From the most to the least serious; 'silent' is a threshold only. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

type Fields = Readonly<Record<string, string | number | undefined>>;
export interface Log {
  (level: Exclude<LogLevel, 'silent'>, message: string, fields?: Fields): void;
  /** Whether a record of that level is written at all: asked before one is put together 20,000 times. */
  readonly passes: (level: LogLevel) => boolean;
}

/**
 * init's own events on standard error. Nothing of the environment, and of argv the program's name alone, may be
 * put into a record. pino is loaded when the first record passes the threshold: it takes longer than all the rest
 * of init's start-up, so no call may stand before the spawn.
 */
export function createLog(threshold: LogLevel, format: LogFormat): Log {
  const passes = (level: LogLevel) => logLevels.indexOf(level) <= logLevels.indexOf(threshold);
  let write: RecordWriter | undefined;
  const log = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields = {}) => {
    if (!passes(level)) return;
    write ??= createRecordWriter(threshold, format);
    write(level, message, fields);
  };
  return Object.assign(log, { passes });
}

type RecordWriter = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields) => void;

function createRecordWriter(threshold: LogLevel, format: LogFormat): RecordWriter {
  const writeOut = openDestination();
  let pino: typeof import('pino').pino;
  // What pino loads looks at these, and node would make its stream for them then: one that sets O_NONBLOCK on the
  // description, which the workload writes to as well. init writes by its own means.
  Object.defineProperty(process, 'stdout', { value: { fd: 1, isTTY: false } });
  Object.defineProperty(process, 'stderr', { value: { fd: 2, isTTY: false } });
  try {
    ({ pino } = createRequire(import.meta.filename)('pino') as typeof import('pino'));
  } catch {
    // The workload runs by now: init goes on without a log.
    writeOut(
      'subreaper: nothing is logged, pino cannot be loaded; install subreaper with its dependencies\n',
    );
    return () => {};
  }
  let dropped = 0;
  const stream: pino.DestinationStream = {
    write(line) {
      if (!writeOut(format === 'json' ? line : prettyLine(line))) dropped++;
    },
  };
  const logger = pino({ level: threshold, base: { name: 'subreaper', pid: process.pid } }, stream);

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

/** "12:34:56.789 WARN subreaper[1]: message key=value" */
function prettyLine(line: string): string {
  const { level, time, name, pid, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = logLevels[logLevels.length - Number(level) / 10]?.toUpperCase().padEnd(5);
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
  return `${clock} ${label} ${name}[${pid}]: ${msg}${pairs.join('')}\n`;
}
