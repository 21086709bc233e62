import type { Event } from '../lifecycle/model.ts';
import { attempt } from '../native/attempt.ts';
import { kernelTellsReapedStatus } from '../native/kernel-reaping.ts';
import { SystemError } from '../native/system-error.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { detachTracee, lastUsage } from '../native/wait.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { decodeWaitStatus, type Ended, isStop, type Stopped } from '../reaper/wait-status.ts';
import { SIGKILL } from '../signals/numbers.ts';
import { type GroupMember, joinGroup } from './group-member.ts';
import type { Parts } from './parts.ts';
import { createWorkload, type Workload } from './workload.ts';

export type Children = ReturnType<typeof createChildren>;

/**
 * init's children: the workload, what joins its group, and orphans. Either init reaps them, or the kernel does.
 * @param emit gets what happens to them
 */
export function createChildren(
  { policy: { options, ignored }, terminal, observers, watch, log }: Parts,
  emit: (event: Event) => void,
) {
  let workload: Workload | undefined;
  let run: Workload | undefined;
  let endedBy: Signal | undefined;
  /** Where a Ctrl-C has to end the restarts. */
  let groupMember: GroupMember | undefined;
  let hasSaidWhoReaps = false;
  const needsStatuses = observers.needsStatuses();
  /** Why init reaps whatever the kernel can. Job control needs to see what stopped. */
  const whyAlways = needsStatuses ?? (terminal === undefined ? undefined : 'the workload is on a terminal');
  const reapLoop = createReapLoop({
    watch,
    onChild: childChanged,
    onDrained: drained,
    onFailure: waitFailed,
    reportStopped: terminal !== undefined,
    reportUsage: needsStatuses !== undefined,
    beforeReaping: observers.beforeReaping(),
  });

  // --- Who reaps

  function watchRun(started: Workload): void {
    if (terminal !== undefined && options.restart.kind !== 'no') {
      // Without it (no cat(1), no process left, or the workload has ended) a Ctrl-C that is handled ends no restart.
      attempt(() => {
        groupMember = joinGroup(started.pid, ignored);
      });
    }
    const because = whyInitReaps(started, started.openPidfd());
    reapLoop.change(because === undefined ? 'leave' : 'take-back');
    if (because !== undefined) started.onZombie(reapLoop.wake);
    sayWhoReaps(because);
  }

  /** @returns undefined if the kernel does */
  function whyInitReaps(started: Workload, takesSignals: boolean): string | undefined {
    if (whyAlways !== undefined) return whyAlways;
    if (reapLoop.reaping() !== 'undecided') return 'init is ending everything';
    if (!takesSignals) return "the workload's group cannot be signalled through a pidfd";
    return kernelTellsReapedStatus() && started.onReaped(workloadGone)
      ? undefined
      : 'the kernel does not report how a process that it reaped ended';
  }

  function sayWhoReaps(because: string | undefined): void {
    if (hasSaidWhoReaps) return;
    hasSaidWhoReaps = true;
    if (because === undefined) log('info', 'the kernel reaps orphans');
    else log('info', 'init reaps orphans', { because });
  }

  // --- What has changed

  function drained(hasChildren: boolean): void {
    // The kernel is about to reap the workload, and tells its status right after that.
    if (!hasChildren && workload?.tellsWhenReaped()) return;
    emit(hasChildren ? { kind: 'children-left' } : { kind: 'no-child-left', atMs: now() });
  }

  /** Or what came of a status. */
  function waitFailed(error: Error): void {
    if (!(error instanceof SystemError)) throw error;
    emit({ kind: 'cannot-wait', message: error.message });
  }

  function workloadGone(isReaped: boolean): void {
    // The kernel may have discarded it: when everything is killed, no status matters but this one.
    takeReaped();
    catchUp();
    if (isReaped && workload !== undefined)
      emit({ kind: 'cannot-wait', message: 'the kernel does not report how the workload ended' });
  }

  function takeReaped(): void {
    const status = workload?.reapedStatus();
    if (workload !== undefined && status !== undefined) childChanged(workload.pid, status);
  }

  /** The workload's status before any orphan's: once it is reaped, an orphan may have its pid. */
  function takeBack(): void {
    const wasLeft = reapLoop.reaping() === 'kernel';
    reapLoop.change('take-back');
    if (wasLeft) takeReaped();
  }

  function catchUp(): void {
    const failure = attempt(takeEnded);
    if (failure !== undefined) waitFailed(failure);
  }

  function takeEnded(): void {
    if (reapLoop.reaping() === 'kernel') takeReaped();
    // The kernel leaves a child that has asked to be traced to its tracer: init.
    reapLoop.catchUp(workload?.pid);
  }

  function childChanged(pid: Pid, status: number): void {
    if (isStop(status)) {
      stopped(pid, decodeWaitStatus(status) as Stopped);
      return;
    }
    const isWorkload = pid === workload?.pid;
    const isMember = pid === groupMember?.pid;
    if (!isWorkload && !isMember && needsStatuses === undefined) return;
    const how = decodeWaitStatus(status) as Ended;
    if (isMember) {
      memberEnded(how);
      return;
    }
    if (needsStatuses !== undefined)
      observers.observe({ kind: 'reaped', pid, status, how, usage: lastUsage(), isWorkload });
    if (isWorkload) workloadEnded(pid, how);
  }

  function stopped(pid: Pid, { signal }: Stopped): void {
    // One that has asked to be traced stops at every signal, until its tracer lets it go on.
    if (detachTracee(pid, signal)) return;
    // Without the workload, what it left has the terminal.
    const isJob = pid === workload?.pid || workload === undefined;
    if (terminal !== undefined && isJob) emit({ kind: 'workload-stopped', signal });
  }

  function memberEnded(how: Ended): void {
    groupMember?.close();
    groupMember = undefined;
    if (how.kind === 'killed') emit({ kind: 'terminal-signal', signal: how.signal });
  }

  function workloadEnded(pid: Pid, how: Ended): void {
    const forwarded = [...(workload?.forwarded ?? [])];
    workload?.reaped();
    if (groupMember !== undefined) memberEnded(decodeWaitStatus(groupMember.end()) as Ended);
    const hadTerminal = terminal?.isInForeground(pid) === true;
    // Another process may have its pid soon.
    workload = undefined;
    endedBy = how.kind === 'killed' ? how.signal : undefined;
    emit({ kind: 'workload-ended', atMs: now(), workload: pid, how, hadTerminal, forwarded });
    reapLoop.change('take-back');
    reapLoop.wake();
  }

  return {
    /** The workload, until its status has been taken. */
    workload: () => workload,
    /** The same one, until no process of its run is left. */
    run: () => run,
    /** The signal that has ended the workload, or will: init's own SIGKILL. */
    endedBy: () => endedBy,
    /** What init has in the workload's group: a child that is not of the workload's tree. */
    groupMember: () => groupMember?.pid,
    /** The workload has just been started. */
    started(pid: Pid): void {
      const started = createWorkload(pid);
      workload = started;
      run = started;
      endedBy = undefined;
      setImmediate(() => {
        // Also of a workload that has ended by now.
        if (whyAlways !== undefined) sayWhoReaps(whyAlways);
        reapLoop.begin(pid);
        // It may have ended already: then it does not need the rest.
        const failure = workload === started ? attempt(() => watchRun(started)) : undefined;
        if (failure !== undefined) log('error', 'a step failed; continuing', { error: failure.message });
        reapLoop.wake();
      });
    },
    /** Without a workload: no status matters. */
    startedNone(): void {
      const isLeft = whyAlways === undefined;
      reapLoop.change(isLeft ? 'leave' : 'take-back');
      if (isLeft) sayWhoReaps(undefined);
    },
    /** No process of the run is left. */
    forgetRun(): void {
      run?.close();
      run = undefined;
    },
    /**
     * Takes the statuses of the children that have ended by now, before a signal is acted on: a stop signal means something
     * else once the workload has ended. libuv may also have dropped a SIGCHLD behind the signal.
     */
    catchUp(): void {
      // While the kernel reaps there is no SIGCHLD to drop.
      if (reapLoop.reaping() !== 'kernel') reapLoop.wake();
      catchUp();
    },
    /** Reaps in the next turn of the event loop. */
    wake: reapLoop.wake,
    /**
     * SIGKILL comes next, also for the workload. Reaps what has ended, and leaves no more to the kernel: zombies would only
     * make the round longer.
     */
    beforeKill(): void {
      takeBack();
      // If wait4(2) is refused, the next reaping says so.
      attempt(takeEnded);
      if (workload !== undefined) endedBy = SIGKILL;
    },
    /** Reaps in the kernel's place from now on, and tells when no child is left. */
    takeBack(): void {
      takeBack();
      reapLoop.wake();
    },
    /** Whether the kernel discards the statuses from now on, because none matters any more. */
    discardStatuses: (discard: boolean): void => reapLoop.change(discard ? 'discard' : 'begin'),
  };
}
