import { type Fields, type LogFormat, type LogLevel, logLevels } from './levels.ts';
import { createRecordWriter, type RecordWriter } from './record-writer.ts';

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
