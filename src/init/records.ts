import { openDestination } from '../log/destination.ts';
import type { Log } from '../log/log.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import type { Usage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { attempt } from './attempt.ts';
import { withoutPath } from './failure.ts';
import type { Effect, Event, State } from './lifecycle/model.ts';
import type { InitOptions } from './options.ts';
import { createOrphanLog } from './orphan-log.ts';
import { followPhases } from './phases.ts';
import { createReport } from './report.ts';
import { createTrace } from './trace.ts';
import { writeWhole } from './whole-file.ts';

/** What the report, the trace, the debug log and another program's messages tell of what init does. */
export interface Records {
  /** Which of them needs the status of every orphan; undefined if none does, and the kernel may reap. */
  readonly needsStatuses: string | undefined;
  /** Why one that was asked for is not kept. */
  readonly failure: Error | undefined;
  /** Call it with each event, the effects that come of it, and the state after it. */
  follow(event: Event, effects: readonly Effect[], after: State): void;
  /** Call it while /proc still shows a child that has ended or stopped; undefined if nobody wants to know. */
  readonly beforeReaping: ((pid: Pid) => void) | undefined;
  /** Call these right after the wait that took the child's status. */
  workloadReaped(): void;
  orphanReaped(pid: Pid, status: number, how: Ended): void;
  /** So many processes get SIGKILL next. */
  survivorsKilled(count: number): void;
  /** Writes what is written at the end. */
  write(status: number, reason: string | null): void;
}

/**
 * @param others what else follows init
 * @param lastUsage the resource usage of the child whose status was taken last
 */
export function createRecords(
  { report: reportFile, trace: traceFile }: Pick<InitOptions, 'report' | 'trace'>,
  others: Records,
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
    return others.needsStatuses;
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
      others.follow(event, effects, after);
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
      others.orphanReaped(pid, status, how);
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
