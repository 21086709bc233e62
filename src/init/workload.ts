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
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

/** One run of the workload: its process and its process group, until nothing of it is left. */
export interface Workload {
  readonly pid: Pid;
  /** Signals its process group, or it alone. @throws SystemError ESRCH, EPERM */
  signal(signal: Signal, scope: 'group' | 'child'): void;
  /**
   * Opens a pidfd, pidfd_open(2): from then on the run is told from every other one, whoever reaps it.
   * @returns whether signals can go through it, to the group as well (Linux 6.9): they must, once the kernel may reap the
   *   workload, since nothing holds its number then
   */
  openPidfd(): boolean;
  /**
   * Calls back for as long as it has ended and nobody has waited for it: a second source beside SIGCHLD, which a flood of
   * signals may drop.
   */
  onZombie(callBack: () => void): void;
  /** Calls back once it has been reaped. @returns whether it will */
  onReaped(callBack: () => void): boolean;
  /** Its wait status once it has been reaped, where the kernel tells. */
  reapedStatus(): number | undefined;
  /** Its status has been taken. Its number may be another's soon. */
  unwatch(): void;
  /**
   * Kills all that is left in its process group, at one stroke: the kernel lets no fork slip past a signal to a group, so
   * that none of those that fork and end for ever survives it. Before Linux 6.9 nothing happens: once the workload has
   * ended, the number of its group may be another's.
   */
  killGroup(): void;
  /** Nothing of it is left. */
  close(): void;
}

export function createWorkload(pid: Pid): Workload {
  let pidfd: number | undefined;
  let unwatch = () => {};
  let isSignalledByPidfd = false;

  return {
    pid,
    signal(signal, scope) {
      if (pidfd !== undefined && isSignalledByPidfd) sendByPidfd(pidfd, signal, scope);
      else sendByNumber(pid, signal, scope);
    },
    openPidfd() {
      pidfd = openPidfd(pid);
      // It leads a group of its own, unless it has left that for another one.
      isSignalledByPidfd = pidfd !== undefined && sendToGroupThroughPidfd(pidfd, 0) !== 'refused';
      return isSignalledByPidfd;
    },
    onZombie(callBack) {
      if (pidfd !== undefined) watch(() => pollReadable(pidfd as number, callBack, false));
    },
    onReaped(callBack) {
      return pidfd !== undefined && watch(() => pollHangUp(pidfd as number, callBack));
    },
    reapedStatus: () => (pidfd === undefined ? undefined : reapedStatus(pidfd)),
    unwatch: () => unwatch(),
    killGroup() {
      if (pidfd !== undefined) sendToGroupThroughPidfd(pidfd, signalNumber('SIGKILL'));
    },
    close() {
      if (pidfd !== undefined) closePidfd(pidfd);
      pidfd = undefined;
    },
  };

  function watch(poll: () => () => void): boolean {
    return (
      attempt(() => {
        unwatch = poll();
      }) === undefined
    );
  }
}

/** What has just ended gets none, and that is no failure: its end is on the way. */
function sendByPidfd(pidfd: number, signal: Signal, scope: 'group' | 'child'): void {
  let delivered = scope === 'group' ? sendToGroupThroughPidfd(pidfd, signal) : 'gone';
  if (delivered === 'gone') delivered = sendThroughPidfd(pidfd, signal);
  if (delivered === 'refused') throw lastError('pidfd_send_signal');
}

/** Until init has waited for it, its number is its own. */
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
