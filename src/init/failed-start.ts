import { createLog } from '../log/log.ts';
import { createExplanations } from './explanations.ts';
import { reasonOf, statusOf } from './failure.ts';
import { openRecords } from './open-records.ts';
import type { InitOptions } from './options.ts';

let isRecorded = false;

/**
 * Leaves behind why nothing could be started: in the termination log, in the report and in the trace. Only the first call
 * does: whoever knew the options made it.
 */
export function recordFailedStart(options: InitOptions, error: Error): void {
  if (isRecorded) return;
  isRecorded = true;
  const log = createLog(options.logLevel, options.logFormat);
  // No signal is told.
  const nameOf = String;
  const explanations = createExplanations(
    () => ({ ...options, isPid1: process.pid === 1, nameOf }),
    options,
    log,
  );
  explanations.setLastWords(reasonOf(error));
  const status = statusOf(error);
  explanations.leaveLastWords(status);
  openRecords(options, undefined, log, nameOf).write(status, reasonOf(error));
}
