import { attempt } from '../native/attempt.ts';
import { closePidfd, openPidfd, sendThroughPidfd } from '../native/pidfd.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { isRunningChild } from '../native/wait.ts';
import { isSameProcess, type ProcessInfo, readProcess } from './process-table.ts';

/** @returns false if the process is gone @throws SystemError EPERM */
export type Send = (signal: Signal) => boolean;

/**
 * Signals the process that `info` describes, never another one that reuses its pid. It first opens a pidfd, which refers
 * to one process for good. If the start time is still the same after that, the pidfd refers to the right process.
 * @returns false if the process is gone
 * @throws SystemError EPERM
 */
export function signalProcess(info: ProcessInfo, signal: Signal): boolean {
  return signalProcessOften(info, (send) => send(signal));
}

/** The same for several signals: one pidfd and one read of /proc serve them all. */
export function signalProcessOften<Result>(info: ProcessInfo, use: (send: Send) => Result): Result {
  return useSend(() => isSameProcess(readProcess(info.pid), info), info.pid, use);
}

/**
 * Signals a child of this process, never another one that reuses its pid: while the kernel reaps children by itself
 * (SA_NOCLDWAIT), a pid may be reused at any time.
 * @returns false if the child has ended
 * @throws SystemError EPERM
 */
export function signalChild(pid: Pid, signal: Signal): boolean {
  const isMeant = () => isRunningChild(pid) ?? readProcess(pid)?.parent === process.pid;
  return useSend(isMeant, pid, (send) => send(signal));
}

function useSend<Result>(isMeant: () => boolean, pid: Pid, use: (send: Send) => Result): Result {
  const pidfd = openPidfd(pid);
  let isRight: boolean | undefined;
  try {
    return use((signal) => {
      if (pidfd !== undefined) {
        isRight ??= isMeant();
        if (isRight && sendThroughPidfd(pidfd, signal) === 'sent') return true;
      }
      // Without pidfds (Linux before 5.3, a seccomp filter, no descriptor left) the pid was right a moment ago. A seccomp
      // filter may also refuse only the call that sends, with any error.
      return isRight !== false && isMeant() && sendByPid(pid, signal);
    });
  } finally {
    if (pidfd !== undefined) closePidfd(pidfd);
  }
}

function sendByPid(pid: Pid, signal: Signal): boolean {
  const error = attempt(() => kill(pid, signal));
  if (error === undefined) return true;
  if (error instanceof SystemError && error.code === 'ESRCH') return false;
  throw error;
}
