import { openDestination } from '../log/destination.ts';
import type { Log } from '../log/log.ts';
import { now } from '../native/timers.ts';
import type { Signal } from '../native/types.ts';
import type { Usage } from '../native/wait.ts';
import { attempt } from './attempt.ts';
import { withoutPath } from './failure.ts';
import type { Messages } from './messages.ts';
import type { InitOptions } from './options.ts';
import { createOrphanLog } from './orphan-log.ts';
import { followPhases } from './phases.ts';
import type { Records } from './records.ts';
import { createReport } from './report.ts';
import { createTrace } from './trace.ts';
import { writeWhole } from './whole-file.ts';

/** @param lastUsage the resource usage of the child whose status was taken last */
export function createRecords(
  { report: reportFile, trace: traceFile }: InitOptions,
  messages: Messages | undefined,
  log: Log,
  nameOf: (signal: Signal) => string,
  lastUsage: () => Usage,
): Records {
  const report = reportFile === undefined ? undefined : createReport(writerTo(reportFile), nameOf);
  const trace =
    traceFile === undefined ? undefined : createTrace((text) => writeWhole(traceFile, text), nameOf);
  const orphanLog = log.passes('debug') ? createOrphanLog(log, nameOf) : undefined;
  const observers = [orphanLog, trace].filter((observer) => observer !== undefined);
  const followPhase = followPhases((ended) => {
    log('info', 'phase ended', { phase: ended.phase, tookMs: ended.tookMs });
    report?.phaseEnded(ended);
    trace?.phaseEnded(ended);
  });

  function whichNeedsStatuses(): string | undefined {
    if (orphanLog !== undefined) return 'the debug log tells how each orphan ended';
    if (trace !== undefined) return 'the trace shows each orphan';
    if (report !== undefined) return 'the report counts them';
    return messages?.tellOfOrphans === true ? 'the messages tell of each orphan' : undefined;
  }

  function write(what: string, step: () => void): void {
    const failure = attempt(step);
    if (failure !== undefined) log('warn', `the ${what} cannot be written`, { error: withoutPath(failure) });
  }

  return {
    needsStatuses: whichNeedsStatuses(),
    failure: undefined,
    follow(event, effects, after) {
      followPhase(after);
      report?.follow(event, effects);
      trace?.follow(event, effects);
      messages?.follow(event, effects);
    },
    beforeReaping:
      observers.length === 0
        ? undefined
        : (pid) => {
            for (const observer of observers) observer.beforeReaping(pid);
          },
    workloadReaped() {
      report?.workloadReaped(lastUsage());
    },
    orphanReaped(pid, status, how) {
      report?.orphanReaped();
      trace?.reaped(pid, how);
      messages?.orphanReaped(pid, how);
      orphanLog?.reaped(pid, { status, usage: lastUsage() });
    },
    survivorsKilled(count) {
      report?.survivorsKilled(count);
    },
    write(status, reason) {
      write('report', () => report?.write(status, reason, Math.round(now())));
      write('trace', () => trace?.write(status));
    },
  };
}

/** @param file '-' for standard error */
function writerTo(file: string): (text: string) => void {
  return file === '-' ? writeToStderr : (text) => writeWhole(file, text);
}

function writeToStderr(text: string): void {
  if (!openDestination(2)(text)) throw new Error('EAGAIN: nobody reads standard error');
}
