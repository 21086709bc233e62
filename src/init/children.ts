import type { Fields } from '../log/levels.ts';
import type { Log } from '../log/log.ts';
import { kernelTellsReapedStatus } from '../native/kernel-reaping.ts';
import { ignoreSignal, type SignalWatch, setNoChildWait } from '../native/signals.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { decodeWaitStatus, type Ended } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { type GroupMember, joinGroup } from './group-member.ts';
import type { Records } from './records.ts';
import type { Terminal } from './terminal.ts';
import { createWorkload, type Workload } from './workload.ts';

const SIGCHLD = signalNumber('SIGCHLD');

/** init's children: the workload, what joins its group, and orphans. Either init reaps them, or the kernel does. */
export interface Children {
  /** The workload, until its status has been taken. */
  workload(): Workload | undefined;
  /** The same one, until no process of its run is left. */
  run(): Workload | undefined;
  /** What init has in the workload's group: a child that is not of the workload's tree. */
  groupMember(): Pid | undefined;
  /** The workload has just been started. */
  started(pid: Pid): void;
  /** Without a workload: no status matters. */
  startedNone(): void;
  /** No process of the run is left. */
  forgetRun(): void;
  /**
   * Takes the statuses of the children that have ended by now, before a signal is acted on: a stop signal means something
   * else once the workload has ended. libuv may also have dropped a SIGCHLD behind the signal.
   */
  catchUp(): void;
  /** Reaps in the next turn of the event loop. */
  wake(): void;
  /** Reaps what has ended, and leaves no more to the kernel: zombies would only make a round of SIGKILL longer. */
  reapBeforeKill(): void;
  /** Reaps in the kernel's place from now on, and tells when no child is left. */
  takeBack(): void;
  /** Whether the kernel discards the statuses from now on, because none matters any more. */
  discardStatuses(discard: boolean): void;
}

/** What happens to them. */
export interface ChildEvents {
  workloadEnded(workload: Pid, how: Ended, hadTerminal: boolean): void;
  workloadStopped(signal: Signal): void;
  /** A Ctrl-C, which reaches the workload's group and not init. */
  terminalSignal(signal: Signal): void;
  /** Every child that had ended is reaped. `hasChildren` says whether any is left. */
  drained(hasChildren: boolean): void;
  /** init cannot know how the workload ends. */
  cannotWait(message: string): void;
}

export function createChildren(
  {
    terminal,
    mayRestart,
    ignored,
    records,
    watch,
    log,
  }: {
    readonly terminal: Terminal | undefined;
    readonly mayRestart: boolean;
    /** What the workload ignores from its start. */
    readonly ignored: readonly Signal[];
    readonly records: Records;
    readonly watch: SignalWatch;
    readonly log: Log;
  },
  events: ChildEvents,
): Children {
  let workload: Workload | undefined;
  let run: Workload | undefined;
  /** Where a Ctrl-C has to end the restarts. */
  let groupMember: GroupMember | undefined;
  /** Set while the kernel may reap the workload: its pidfd tells how it ended. */
  let isReapedByKernel = false;
  /** Whether init has to know when the last child has ended: it may before it has left any reaping to the kernel. */
  let isTakenBack = false;
  let hasSaidWhoReaps = false;
  // Job control needs to see what stopped.
  const needsWait = records.needsStatuses !== undefined || terminal !== undefined;
  const reapLoop = createReapLoop({
    onChild: childChanged,
    onDrained(hasChildren) {
      // The kernel is about to reap the workload, and tells its status right after that.
      if (!hasChildren && workload !== undefined && isReapedByKernel) return;
      events.drained(hasChildren);
    },
    onFailure: waitFailed,
    listen: (toChildren) => {
      if (toChildren) watch.start(SIGCHLD);
      else watch.stop(SIGCHLD);
    },
    ignore: () => ignoreSignal(SIGCHLD),
    setNoChildWait: (isOn) => void attempt(() => setNoChildWait(isOn)),
    reportStopped: terminal !== undefined,
    reportUsage: records.needsStatuses !== undefined,
    beforeReaping: records.beforeReaping,
  });

  function watchRun(started: Workload): void {
    if (terminal !== undefined && mayRestart) {
      attempt(() => {
        groupMember = joinGroup(started.pid, ignored);
      });
    }
    const takesSignals = started.openPidfd();
    isReapedByKernel =
      takesSignals &&
      !needsWait &&
      !isTakenBack &&
      kernelTellsReapedStatus() &&
      started.onReaped(reapedByKernel);
    if (isReapedByKernel) leaveToKernel();
    else {
      started.onZombie(reapLoop.wake);
      sayWhoReaps('init reaps orphans', { because: whyInitReaps(takesSignals) });
    }
  }

  function leaveToKernel(): void {
    reapLoop.leaveToKernel();
    sayWhoReaps('the kernel reaps orphans');
  }

  function sayWhoReaps(who: string, fields: Fields = {}): void {
    if (!hasSaidWhoReaps) log('info', who, fields);
    hasSaidWhoReaps = true;
  }

  function whyInitReaps(takesSignals: boolean): string {
    if (records.needsStatuses !== undefined) return records.needsStatuses;
    if (terminal !== undefined) return 'the workload is on a terminal';
    if (isTakenBack) return 'everything ends';
    if (!takesSignals) return "the workload's group cannot be signalled by a pidfd";
    return 'the kernel does not tell how a process ended that it has reaped';
  }

  /** Or what came of a status. */
  function waitFailed(error: Error): void {
    if (!(error instanceof SystemError)) throw error;
    events.cannotWait(error.message);
  }

  function reapedByKernel(): void {
    takeReaped();
    if (workload !== undefined) events.cannotWait('the kernel does not tell how the workload ended');
  }

  function takeReaped(): void {
    const status = workload?.reapedStatus();
    if (workload !== undefined && status !== undefined) childChanged(workload.pid, status);
  }

  /** The workload's status before any orphan's: once it is reaped, an orphan may have its pid. */
  function takeBack(): void {
    if (!reapLoop.isLeftToKernel()) return;
    reapLoop.takeBack();
    takeReaped();
  }

  function takeEnded(): void {
    if (reapLoop.isLeftToKernel()) takeReaped();
    else reapLoop.catchUp(workload?.pid);
  }

  function childChanged(pid: Pid, status: number): void {
    const isWorkload = pid === workload?.pid;
    const isMember = pid === groupMember?.pid;
    if (!isWorkload && !isMember && records.needsStatuses === undefined) return;
    const change = decodeWaitStatus(status);
    if (isMember) {
      if (change.kind !== 'stopped') memberEnded(change);
    } else if (change.kind === 'stopped') {
      if (isWorkload) events.workloadStopped(change.signal);
    } else if (isWorkload) {
      records.workloadReaped();
      workloadEnded(pid, change);
    } else {
      records.orphanReaped(pid, status, change);
    }
  }

  function memberEnded(how: Ended): void {
    groupMember?.close();
    groupMember = undefined;
    if (how.kind === 'killed') events.terminalSignal(how.signal);
  }

  function workloadEnded(pid: Pid, how: Ended): void {
    workload?.unwatch();
    if (groupMember !== undefined) memberEnded(decodeWaitStatus(groupMember.end()) as Ended);
    const hadTerminal = terminal?.isInForeground(pid) === true;
    // Another process may have its pid soon.
    workload = undefined;
    isReapedByKernel = false;
    events.workloadEnded(pid, how, hadTerminal);
    reapLoop.takeBack();
    reapLoop.wake();
  }

  return {
    workload: () => workload,
    run: () => run,
    groupMember: () => groupMember?.pid,
    started(pid) {
      const started = createWorkload(pid);
      workload = started;
      run = started;
      setImmediate(() => {
        // It may have ended already: then it does not need the rest.
        reapLoop.begin(pid);
        if (workload === started) attempt(() => watchRun(started));
        reapLoop.wake();
      });
    },
    startedNone() {
      if (!needsWait) leaveToKernel();
    },
    forgetRun() {
      run?.close();
      run = undefined;
    },
    catchUp() {
      // While the kernel reaps there is no SIGCHLD to drop.
      if (!reapLoop.isLeftToKernel()) reapLoop.wake();
      const failure = attempt(takeEnded);
      if (failure !== undefined) waitFailed(failure);
    },
    wake: reapLoop.wake,
    reapBeforeKill() {
      takeBack();
      attempt(takeEnded);
    },
    takeBack() {
      isTakenBack = true;
      takeBack();
      reapLoop.wake();
    },
    discardStatuses(discard) {
      isTakenBack = discard;
      if (discard) reapLoop.discardStatuses();
      else reapLoop.keepStatuses();
    },
  };
}
