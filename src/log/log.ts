import { type Fields, type LogFormat, type LogLevel, logLevels } from './levels.ts';
import { createRecordWriter, type RecordWriter } from './record-writer.ts';

export interface Log {
  (level: Exclude<LogLevel, 'silent'>, message: string, fields?: Fields): void;
  /** Whether records of that level are written. Ask before you build one for each of 20,000 orphans. */
  readonly passes: (level: LogLevel) => boolean;
}

/**
 * Logs init's own events on standard error. A record must not contain anything of the environment, and of argv only the
 * program's name. pino is loaded when the first record passes the threshold. That takes longer than the rest of init's
 * start-up, so call nothing here before the spawn.
 * @param format undefined: 'pretty' on a terminal, else 'json'
 */
export function createLog(threshold: LogLevel, format: LogFormat | undefined): Log {
  const passes = (level: LogLevel) => logLevels.indexOf(level) <= logLevels.indexOf(threshold);
  let write: RecordWriter | undefined;
  const log = (level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields = {}) => {
    if (!passes(level)) return;
    write ??= createRecordWriter(threshold, format);
    write(level, message, fields);
  };
  return Object.assign(log, { passes });
}
