import { attempt } from '../native/attempt.ts';
import {
  closePidfd,
  openPidfd,
  reapedStatus,
  sendThroughPidfd,
  sendToGroupThroughPidfd,
} from '../native/pidfd.ts';
import { pollHangUp, pollReadable } from '../native/poll.ts';
import { kill } from '../native/process.ts';
import { lastError, SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';

export type Workload = ReturnType<typeof createWorkload>;

/** One run of the workload: its process and its process group, until both are gone. */
export function createWorkload(pid: Pid) {
  let pidfd: number | undefined;
  let endWatch = () => {};
  let isSignalledByPidfd = false;
  let tellsWhenReaped = false;
  let isReaped = false;

  return {
    pid,
    /** What init has forwarded to it. */
    forwarded: new Set<Signal>(),
    /**
     * Signals its process group, or only its process. Once it has ended, what is left in its group, which has its number only
     * while it has a member: call it right after the end, or while something of the group is stopping.
     * @throws SystemError ESRCH, EPERM
     */
    signal(signal: Signal, scope: 'group' | 'child'): void {
      if (pidfd !== undefined && isSignalledByPidfd) sendByPidfd(pidfd, signal, scope);
      else if (!isReaped) sendByNumber(pid, signal, scope);
      // While a process is left in the group, no other gets its number. Without one, it is free only since this moment.
      else if (scope === 'group') kill(-pid, signal);
    },
    /**
     * Opens a pidfd, pidfd_open(2), which refers to this run only, whoever reaps it.
     * @returns whether signals can use the pidfd, also for the group (Linux 6.9). They must if the kernel may reap the
     *   workload: another process may then get its pid
     */
    openPidfd(): boolean {
      pidfd = openPidfd(pid);
      // The workload leads its own group, unless it has moved to another one.
      isSignalledByPidfd = pidfd !== undefined && sendToGroupThroughPidfd(pidfd, 0) !== 'refused';
      return isSignalledByPidfd;
    },
    onZombie,
    /**
     * Calls back once the workload has ended, and once more when it has been reaped, unless its status has been taken by
     * then.
     * @returns whether it can
     */
    onReaped(callBack: (isReaped: boolean) => void): boolean {
      tellsWhenReaped = onZombie(() => {
        const isWatched = watch(() => pollHangUp(pidfd as number, () => callBack(true)));
        callBack(!isWatched);
      });
      return tellsWhenReaped;
    },
    /** Whether it will do so: then the kernel may reap the workload. */
    tellsWhenReaped: () => tellsWhenReaped,
    /** The wait status of the reaped workload, if the kernel tells it. */
    reapedStatus: () => (pidfd === undefined ? undefined : reapedStatus(pidfd)),
    /** Its status has been taken: ends the callbacks. Another process may have its pid soon. */
    reaped(): void {
      isReaped = true;
      unwatch();
    },
    /**
     * Signals everything left in its process group at once. No fork escapes a signal to a group, so even processes that fork
     * and end for ever do not survive a SIGKILL. Before Linux 6.9 it does nothing: once the workload has ended, another
     * group may have its number.
     * @returns whether anything was signalled
     */
    signalLeft: (signal: Signal) => pidfd !== undefined && sendToGroupThroughPidfd(pidfd, signal) === 'sent',
    /** Closes the pidfd, once nothing of the run is left. */
    close(): void {
      if (pidfd !== undefined) closePidfd(pidfd);
      pidfd = undefined;
    },
  };

  /**
   * Calls back once when the workload has become a zombie: a second source beside SIGCHLD, which may be lost in a flood of
   * signals. Once, because a tracer may keep the zombie; SIGCHLD comes when that lets it go.
   * @returns whether it can
   */
  function onZombie(callBack: () => void): boolean {
    const zombie = () => {
      unwatch();
      callBack();
    };
    return pidfd !== undefined && watch(() => pollReadable(pidfd as number, zombie));
  }

  /** @returns false if there is no room for one more (ENOSPC, ENOMEM) */
  function watch(poll: () => () => void): boolean {
    const failure = attempt(() => {
      endWatch = poll();
    });
    return failure === undefined;
  }

  function unwatch(): void {
    const end = endWatch;
    endWatch = () => {};
    end();
  }
}

/** A workload that has just ended gets no signal. That is no error: its end will be reported. */
function sendByPidfd(pidfd: number, signal: Signal, scope: 'group' | 'child'): void {
  let delivered = scope === 'group' ? sendToGroupThroughPidfd(pidfd, signal) : 'gone';
  if (delivered === 'gone') delivered = sendThroughPidfd(pidfd, signal);
  if (delivered === 'refused') throw lastError('pidfd_send_signal');
}

/** Until init has waited for the workload, no other process can have its pid. */
function sendByNumber(pid: Pid, signal: Signal, scope: 'group' | 'child'): void {
  if (scope === 'child') {
    kill(pid, signal);
    return;
  }
  try {
    kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'ESRCH')) throw error;
    kill(pid, signal);
  }
}
