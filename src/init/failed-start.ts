import { asFailure } from '../lifecycle/failure.ts';
import { createLog } from '../log/log.ts';
import { createExplanations } from '../observe/explanations.ts';
import { createObservers } from '../observe/observers.ts';
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
  const explanations = createExplanations(options, log);
  const { status, message: reason } = asFailure(error);
  explanations.setLastWords(reason);
  explanations.leaveLastWords(status);
  createObservers(options, log).observe({ kind: 'exit', status, reason });
}
