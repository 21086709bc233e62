import type * as pino from 'pino';
import { requireModule } from '../native/require.ts';
import { openDestination } from './destination.ts';
import { type Fields, type LogFormat, type LogLevel, logLevels } from './levels.ts';

export type RecordWriter = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields) => void;

/** Writes records with pino, which it loads. */
export function createRecordWriter(threshold: LogLevel, format: LogFormat): RecordWriter {
  const writeOut = openDestination();
  const inFormat = (line: string) => (format === 'json' ? line : prettyLine(line));
  let pino: typeof import('pino').pino;
  // What pino loads looks at these, and node would make its stream for them then: one that sets O_NONBLOCK on the
  // description, which the workload writes to as well. init writes by its own means.
  Object.defineProperty(process, 'stdout', { value: { fd: 1, isTTY: false } });
  Object.defineProperty(process, 'stderr', { value: { fd: 2, isTTY: false } });
  try {
    ({ pino } = requireModule('pino') as typeof import('pino'));
  } catch {
    // No descriptor is left to read it with, or the package is incomplete. The workload runs by now: init goes on, and
    // what it has to say matters most when something is short.
    return (level, msg, fields) => {
      const record = { level: levelNumber(level), time: Date.now(), ...base, ...fields, msg };
      writeOut(inFormat(`${JSON.stringify(record)}\n`));
    };
  }
  let dropped = 0;
  const stream: pino.DestinationStream = {
    write(line) {
      if (!writeOut(inFormat(line))) dropped++;
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

/** pino's: 60 for 'fatal' down to 10 for 'trace'. */
function levelNumber(level: LogLevel): number {
  return (logLevels.length - logLevels.indexOf(level)) * 10;
}

/** "12:34:56.789 WARN subreaper[1]: message key=value" */
function prettyLine(line: string): string {
  const { level, time, name, pid, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = logLevels[logLevels.length - Number(level) / 10]?.toUpperCase().padEnd(5);
  const clock = new Date(Number(time)).toISOString().slice(11, 23);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
  return `${clock} ${label} ${name}[${pid}]: ${msg}${pairs.join('')}\n`;
}
