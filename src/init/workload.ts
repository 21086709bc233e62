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
import { attempt } from './attempt.ts';

/** One run of the workload: its process and its process group, until both are gone. */
export interface Workload {
  readonly pid: Pid;
  /** Signals its process group, or only its process. @throws SystemError ESRCH, EPERM */
  signal(signal: Signal, scope: 'group' | 'child'): void;
  /**
   * Opens a pidfd, pidfd_open(2), which refers to this run only, whoever reaps it.
   * @returns whether signals can use the pidfd, also for the group (Linux 6.9). They must if the kernel may reap the
   *   workload: another process may then get its pid
   */
  openPidfd(): boolean;
  /**
   * Calls back once when the workload has become a zombie: a second source beside SIGCHLD, which may be lost in a flood of
   * signals. Once, because a tracer may keep the zombie; SIGCHLD comes when that lets it go.
   */
  onZombie(callBack: () => void): void;
  /** Calls back once the workload has been reaped. @returns whether it can */
  onReaped(callBack: () => void): boolean;
  /** The wait status of the reaped workload, if the kernel tells it. */
  reapedStatus(): number | undefined;
  /** Ends the callbacks, once its status has been taken. Another process may have its pid soon. */
  unwatch(): void;
  /**
   * Signals everything left in its process group at once. No fork escapes a signal to a group, so even processes that fork
   * and end for ever do not survive a SIGKILL. Before Linux 6.9 it does nothing: once the workload has ended, another
   * group may have its number.
   * @returns whether anything was signalled
   */
  signalLeft(signal: Signal): boolean;
  /** The same on any kernel, right after its end: its group has its number only while it has a member. @throws SystemError */
  signalGroup(signal: Signal): void;
  /** Closes the pidfd, once nothing of the run is left. */
  close(): void;
}

export function createWorkload(pid: Pid): Workload {
  let pidfd: number | undefined;
  let endWatch = () => {};
  let isSignalledByPidfd = false;

  return {
    pid,
    signal(signal, scope) {
      if (pidfd !== undefined && isSignalledByPidfd) sendByPidfd(pidfd, signal, scope);
      else sendByNumber(pid, signal, scope);
    },
    openPidfd() {
      pidfd = openPidfd(pid);
      // The workload leads its own group, unless it has moved to another one.
      isSignalledByPidfd = pidfd !== undefined && sendToGroupThroughPidfd(pidfd, 0) !== 'refused';
      return isSignalledByPidfd;
    },
    onZombie(callBack) {
      const zombie = () => {
        unwatch();
        callBack();
      };
      if (pidfd !== undefined) watch(() => pollReadable(pidfd as number, zombie, false));
    },
    onReaped(callBack) {
      return pidfd !== undefined && watch(() => pollHangUp(pidfd as number, callBack));
    },
    reapedStatus: () => (pidfd === undefined ? undefined : reapedStatus(pidfd)),
    unwatch,
    signalLeft: (signal) => pidfd !== undefined && sendToGroupThroughPidfd(pidfd, signal) === 'sent',
    signalGroup(signal) {
      if (pidfd !== undefined && isSignalledByPidfd) sendToGroupThroughPidfd(pidfd, signal);
      // While a process is left in the group, no other gets its number. Without one, it is free only since this moment.
      else kill(-pid, signal);
    },
    close() {
      if (pidfd !== undefined) closePidfd(pidfd);
      pidfd = undefined;
    },
  };

  function watch(poll: () => () => void): boolean {
    return (
      attempt(() => {
        endWatch = poll();
      }) === undefined
    );
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
