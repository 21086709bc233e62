import { closePidfd, openPidfd, sendThroughPidfd } from '../native/pidfd.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { isRunningChild } from '../native/wait.ts';
import { isSameProcess, type ProcessInfo, readProcess } from './process-table.ts';

/**
 * Signals the process that `info` describes, never another one that reuses its pid. It first opens a pidfd, which refers
 * to one process for good. If the start time is still the same after that, the pidfd refers to the right process.
 * @returns false if the process is gone
 * @throws SystemError EPERM
 */
export function signalProcess(info: ProcessInfo, signal: Signal): boolean {
  return signalIf(() => isSameProcess(readProcess(info.pid), info), info.pid, signal);
}

/**
 * Signals a child of this process, never another one that reuses its pid: while the kernel reaps children by itself
 * (SA_NOCLDWAIT), a pid may be reused at any time.
 * @returns false if the child has ended
 * @throws SystemError EPERM
 */
export function signalChild(pid: Pid, signal: Signal): boolean {
  return signalIf(() => isRunningChild(pid) ?? readProcess(pid)?.parent === process.pid, pid, signal);
}

function signalIf(isMeant: () => boolean, pid: Pid, signal: Signal): boolean {
  const pidfd = openPidfd(pid);
  try {
    return isMeant() && send(pid, pidfd, signal, isMeant);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ESRCH') return false;
    throw error;
  } finally {
    if (pidfd !== undefined) closePidfd(pidfd);
  }
}

function send(pid: Pid, pidfd: number | undefined, signal: Signal, isMeant: () => boolean): boolean {
  if (pidfd !== undefined) {
    if (sendThroughPidfd(pidfd, signal) === 'sent') return true;
    // A seccomp filter may refuse only this call, with any error: try kill(2).
    if (!isMeant()) return false;
  }
  // Without pidfds (Linux before 5.3, a seccomp filter, no descriptor left) the pid was right a moment ago.
  kill(pid, signal);
  return true;
}
