import { closePidfd, openPidfd, sendToGroupThroughPidfd } from '../native/pidfd.ts';
import { pollReadable } from '../native/poll.ts';
import type { Pid } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

/** A pidfd of the workload, pidfd_open(2): it refers to the workload, and to its process group, for as long as it is open. */
export interface WorkloadPidfd {
  /**
   * Kills all that is left in the workload's process group, at one stroke: the kernel lets no fork slip past a signal to a
   * group, so that none of those that fork and end for ever survives it. Before Linux 6.9 nothing happens: once the
   * workload has ended, the number of its group may be another's.
   */
  killGroup(): void;
  /** The workload has ended, and its status has been taken. */
  unwatch(): void;
  close(): void;
}

/**
 * Watches for the end of the workload: a second source beside SIGCHLD, which a flood of signals may drop.
 * @param onEnd called for as long as the workload has ended and nobody has waited for it
 * @returns undefined where there are no pidfds (Linux before 5.3, a seccomp filter): SIGCHLD is the only source there
 */
export function openWorkloadPidfd(workload: Pid, onEnd: () => void): WorkloadPidfd | undefined {
  const pidfd = openPidfd(workload);
  if (pidfd === undefined) return undefined;
  let unwatch = () => {};
  attempt(() => {
    unwatch = pollReadable(pidfd, onEnd, false);
  });
  return {
    killGroup: () => sendToGroupThroughPidfd(pidfd, signalNumber('SIGKILL')),
    unwatch: () => unwatch(),
    close: () => closePidfd(pidfd),
  };
}
