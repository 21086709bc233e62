import { closePidfd, openPidfd, sendThroughPidfd } from '../native/pidfd.ts';
import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Signal } from '../native/types.ts';
import { isSameProcess, type ProcessInfo, readProcess } from './process-table.ts';

/**
 * Signals the very process that `info` describes, never one that got its pid since. A pidfd is opened first and
 * refers to one process for good; if the start time is still the same after that, it is the one meant.
 * @returns false if that process is gone
 * @throws SystemError EPERM
 */
export function signalProcess(info: ProcessInfo, signal: Signal): boolean {
  const pidfd = openPidfd(info.pid);
  try {
    if (!isSameProcess(readProcess(info.pid), info)) return false;
    // Without pidfds (Linux before 5.3, or a seccomp filter) the start time was right a moment ago.
    if (pidfd === undefined) kill(info.pid, signal);
    else sendThroughPidfd(pidfd, signal);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ESRCH') return false;
    throw error;
  } finally {
    if (pidfd !== undefined) closePidfd(pidfd);
  }
}
