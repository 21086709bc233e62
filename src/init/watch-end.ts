import { closePidfd, openPidfd } from '../native/pidfd.ts';
import { pollReadable } from '../native/poll.ts';
import type { Pid } from '../native/types.ts';
import { attempt } from './attempt.ts';

/**
 * Watches for the end of a process with a pidfd, pidfd_open(2): a second source beside SIGCHLD, which a flood of signals
 * may drop. Where there are no pidfds (Linux before 5.3, a seccomp filter) SIGCHLD is the only one.
 * @param onEnd called for as long as the process has ended and nobody has waited for it
 * @returns what ends the watch
 */
export function watchEnd(pid: Pid, onEnd: () => void): () => void {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return () => {};
  let stop = () => {};
  attempt(() => {
    stop = pollReadable(pidfd, onEnd, false);
  });
  return () => {
    stop();
    closePidfd(pidfd);
  };
}
