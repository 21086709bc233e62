import { closeSync } from 'node:fs';
import { bind, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import type { Pid, Signal } from './types.ts';

// Neither call has a wrapper in every C library; syscall(2) takes and returns long.
const pidfdOpenCall = /* @__PURE__ */ bind<[number, number, number], number>('syscall', 'long', [
  'long',
  'int',
  'uint',
]);
const pidfdSendSignalCall = /* @__PURE__ */ bind<[number, number, number, null, number], number>(
  'syscall',
  'long',
  ['long', 'int', 'int', 'void *', 'uint'],
);

const ioctlCall = /* @__PURE__ */ bind<[number, number, Int32Array], number>('ioctl', 'int', [
  'int',
  'unsigned long',
  'void *',
]);

const info = new Int32Array(layouts.sizeofPidfdInfo / 4);

/**
 * A close-on-exec descriptor that refers to the process which has that pid now, pidfd_open(2).
 * @returns undefined where there is no such process, or no pidfds: kill(2) tells
 */
export function openPidfd(pid: Pid): number | undefined {
  const pidfd = Number(pidfdOpenCall(constants.SYS_pidfd_open, pid, 0));
  return pidfd === -1 ? undefined : pidfd;
}

/** What became of a signal. */
type Delivered = 'sent' | 'gone' | 'refused';

/**
 * pidfd_send_signal(2).
 * @returns 'gone' for ESRCH, 'refused' for all else: EPERM, or whatever a seccomp filter says. No error is made, since
 *   thousands may go while they are being killed
 */
export function sendThroughPidfd(pidfd: number, signal: Signal): Delivered {
  if (Number(pidfdSendSignalCall(constants.SYS_pidfd_send_signal, pidfd, signal, null, 0)) !== -1)
    return 'sent';
  return lastErrno() === constants.ESRCH ? 'gone' : 'refused';
}

/**
 * The same for the process group that the process leads, or led: it may have ended since, and been waited for.
 * @param signal 0 to find out whether there is such a group, and such a call
 * @returns 'gone' where no process leads or led such a group, or none is left in it; 'refused' also for EINVAL: Linux
 *   before 6.9 does not know the call
 */
export function sendToGroupThroughPidfd(pidfd: number, signal: Signal | 0): Delivered {
  const flags = constants.PIDFD_SIGNAL_PROCESS_GROUP;
  if (Number(pidfdSendSignalCall(constants.SYS_pidfd_send_signal, pidfd, signal, null, flags)) !== -1)
    return 'sent';
  return lastErrno() === constants.ESRCH ? 'gone' : 'refused';
}

/**
 * The wait status of a process that has ended and that its parent, or the kernel in its place, has reaped:
 * PIDFD_GET_INFO with PIDFD_INFO_EXIT, linux/pidfd.h. The pidfd must have been opened before.
 * @returns undefined before that, and where the kernel does not tell: before Linux 6.15, or where ioctl(2) is refused
 */
export function reapedStatus(pidfd: number): number | undefined {
  // A 64-bit mask, which says what is asked for, and afterwards what there is.
  info[0] = constants.PIDFD_INFO_EXIT;
  info[1] = 0;
  if (ioctlCall(pidfd, constants.PIDFD_GET_INFO, info) === -1) return undefined;
  const isThere = ((info[0] as number) & constants.PIDFD_INFO_EXIT) !== 0;
  return isThere ? info[layouts.pidfdInfoExitCodeOffset / 4] : undefined;
}

export function closePidfd(pidfd: number): void {
  closeSync(pidfd);
}
