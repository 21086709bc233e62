import { openDestination } from '../log/destination.ts';
import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { lastUsage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';
import { attempt } from './attempt.ts';
import { withoutPath } from './failure.ts';
import type { Effect, Event, State } from './lifecycle/model.ts';
import type { Messages } from './messages.ts';
import type { InitOptions } from './options.ts';
import type * as orphanLogs from './orphan-log.ts';
import type { OrphanLog } from './orphan-log.ts';
import { followPhases } from './phases.ts';
import type * as reports from './report.ts';
import type { Report } from './report.ts';
import type * as traces from './trace.ts';
import type { Trace } from './trace.ts';

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

export function openRecords(
  options: InitOptions,
  messages: Messages | undefined,
  log: Log,
  nameOf: (signal: Signal) => string,
): Records {
  let report = undefined as Report | undefined;
  let trace = undefined as Trace | undefined;
  let orphanLog = undefined as OrphanLog | undefined;
  // Without a descriptor to load them with, the workload starts all the same.
  const failure = attempt(() => {
    if (options.report !== undefined) report = openReport(options.report, nameOf);
    if (options.trace !== undefined) trace = openTrace(options.trace, nameOf);
    if (log.passes('debug')) orphanLog = openOrphanLog(log, nameOf);
  });
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
    failure,
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

// Each is a bundle of its own, for those who do not ask for it.

/** @param file '-' for standard error */
function openReport(file: string, nameOf: (signal: Signal) => string): Report {
  const { createReport, writeWhole } = requireModule('./report.cjs') as typeof reports;
  return createReport(file === '-' ? writeToStderr : (text) => writeWhole(file, text), nameOf);
}

function openTrace(file: string, nameOf: (signal: Signal) => string): Trace {
  const { createTrace, writeWhole } = requireModule('./trace.cjs') as typeof traces;
  return createTrace((text) => writeWhole(file, text), nameOf);
}

function openOrphanLog(log: Log, nameOf: (signal: Signal) => string): OrphanLog {
  return (requireModule('./orphans.cjs') as typeof orphanLogs).createOrphanLog(log, nameOf);
}

function writeToStderr(text: string): void {
  if (!openDestination(2)(text)) throw new Error('EAGAIN: nobody reads standard error');
}
