import { bind, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import { closeDescriptor } from './descriptors.ts';
import * as layouts from './layouts.ts';
import type { Pid, Signal } from './types.ts';

// Not every C library wraps these calls. syscall(2) takes and returns long.
const pidfdOpenCall = bind<[number, number, number], number>('long syscall(long, int, uint)');
const pidfdSendSignalCall = bind<[number, number, number, null, number], number>(
  'long syscall(long, int, int, void *, uint)',
);

const ioctlCall = bind<[number, number, Int32Array], number>('int ioctl(int, unsigned long, void *)');

const info = new Int32Array(layouts.sizeofPidfdInfo / 4);

/**
 * Opens a close-on-exec descriptor of the process that has this pid now, pidfd_open(2).
 * @returns undefined if there is no such process, or no pidfds; kill(2) tells which
 */
export function openPidfd(pid: Pid): number | undefined {
  const pidfd = Number(pidfdOpenCall(constants.SYS_pidfd_open, pid, 0));
  return pidfd === -1 ? undefined : pidfd;
}

/** The outcome of sending a signal. */
type Delivered = 'sent' | 'gone' | 'refused';

/**
 * pidfd_send_signal(2).
 * @returns 'gone' for ESRCH, 'refused' for any other error: EPERM, or what a seccomp filter returns. Not an exception:
 *   thousands of processes may end while they are being killed
 */
export function sendThroughPidfd(pidfd: number, signal: Signal | 0, flags = 0): Delivered {
  if (Number(pidfdSendSignalCall(constants.SYS_pidfd_send_signal, pidfd, signal, null, flags)) !== -1)
    return 'sent';
  return lastErrno() === constants.ESRCH ? 'gone' : 'refused';
}

/**
 * The same for the process group that the process leads, or led before it ended and was reaped.
 * @param signal 0 only tests for the group and for the call itself
 * @returns 'gone' if the process led no group, or the group is empty; 'refused' also for EINVAL, from Linux before 6.9,
 *   which does not know the flag
 */
export function sendToGroupThroughPidfd(pidfd: number, signal: Signal | 0): Delivered {
  return sendThroughPidfd(pidfd, signal, constants.PIDFD_SIGNAL_PROCESS_GROUP);
}

/**
 * The wait status of a process that its parent, or the kernel in its place, has reaped: PIDFD_GET_INFO with
 * PIDFD_INFO_EXIT, linux/pidfd.h. Open the pidfd before the process is reaped.
 * @returns undefined until it is reaped, and if the kernel does not tell: before Linux 6.15, or if ioctl(2) is refused
 */
export function reapedStatus(pidfd: number): number | undefined {
  // A 64-bit mask: in, the fields asked for; out, the fields filled in.
  info[0] = constants.PIDFD_INFO_EXIT;
  info[1] = 0;
  if (ioctlCall(pidfd, constants.PIDFD_GET_INFO, info) === -1) return undefined;
  const isThere = ((info[0] as number) & constants.PIDFD_INFO_EXIT) !== 0;
  return isThere ? info[layouts.pidfdInfoExitCodeOffset / 4] : undefined;
}

export function closePidfd(pidfd: number): void {
  closeDescriptor(pidfd);
}
