import { closeSync } from 'node:fs';
import { foreign, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import type { Pid, Signal } from './types.ts';

// Neither call has a wrapper in every C library; syscall(2) takes and returns long.
const pidfdOpenCall = /* @__PURE__ */ foreign<[number, number, number], number>('syscall', 'long', [
  'long',
  'int',
  'uint',
]);
const pidfdSendSignalCall = /* @__PURE__ */ foreign<[number, number, number, null, number], number>(
  'syscall',
  'long',
  ['long', 'int', 'int', 'void *', 'uint'],
);

/**
 * A close-on-exec descriptor that refers to the process which has that pid now, pidfd_open(2).
 * @returns undefined where there is no such process, or no pidfds: kill(2) tells
 */
export function openPidfd(pid: Pid): number | undefined {
  const pidfd = Number(pidfdOpenCall(constants.SYS_pidfd_open, pid, 0));
  return pidfd === -1 ? undefined : pidfd;
}

/**
 * pidfd_send_signal(2).
 * @returns 'gone' for ESRCH, 'refused' for all else: EPERM, or whatever a seccomp filter says. No error is made, since
 *   thousands may go while they are being killed
 */
export function sendThroughPidfd(pidfd: number, signal: Signal): 'sent' | 'gone' | 'refused' {
  if (Number(pidfdSendSignalCall(constants.SYS_pidfd_send_signal, pidfd, signal, null, 0)) !== -1)
    return 'sent';
  return lastErrno() === constants.ESRCH ? 'gone' : 'refused';
}

/**
 * The same for the process group that the process leads, or led: it may have ended since, and been waited for. Where
 * there is no such group, or no such call (Linux before 6.9), nothing happens.
 */
export function sendToGroupThroughPidfd(pidfd: number, signal: Signal): void {
  const flags = constants.PIDFD_SIGNAL_PROCESS_GROUP;
  pidfdSendSignalCall(constants.SYS_pidfd_send_signal, pidfd, signal, null, flags);
}

export function closePidfd(pidfd: number): void {
  closeSync(pidfd);
}
