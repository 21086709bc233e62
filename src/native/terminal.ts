import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { checked } from './system-error.ts';
import type { Pid } from './types.ts';

const openCall = bind<[string, number], number>('int open(str, int)');
const readCall = bind<[number, Buffer, number], number>('long read(int, void *, size_t)');
const tcgetpgrpCall = bind<[number], number>('int tcgetpgrp(int)');
const tcsetpgrpCall = bind<[number, number], number>('int tcsetpgrp(int, int)');

/**
 * Opens a close-on-exec descriptor of the controlling terminal, whatever standard input is: tty(4). Undefined if the
 * process has no terminal. That is the usual case in a container, and node's own open would build an exception for it.
 */
export function openControllingTerminal(): number | undefined {
  return open('/dev/tty');
}

/** Close-on-exec, and without making a terminal the controlling one. */
function open(file: string): number | undefined {
  const descriptor = openCall(file, constants.O_RDWR | constants.O_NOCTTY | constants.O_CLOEXEC);
  return descriptor === -1 ? undefined : descriptor;
}

/** Whether a descriptor is the controlling terminal: tcgetpgrp(3) fails for anything else. */
export function isControllingTerminal(descriptor: number): boolean {
  return tcgetpgrpCall(descriptor) !== -1;
}

/**
 * Whether the caller is in the foreground: a read(2) of zero bytes fails with EIO in the background. The caller must
 * block SIGTTIN. A comparison of process groups would fail if the caller's group has no number in its PID namespace.
 */
export function isInForeground(terminal: number): boolean {
  return Number(readCall(terminal, Buffer.alloc(1), 0)) === 0;
}

const ioctlCall = bind<[number, number], number>('int ioctl(int, ulong)');
const getsidCall = bind<[number], number>('int getsid(int)');

/** Whether the caller leads its session: getsid(2). */
export function leadsSession(): boolean {
  return getsidCall(0) === process.pid;
}

/**
 * Gives up the controlling terminal, TIOCNOTTY of ioctl_tty(2). If the caller leads the session, the whole session loses
 * it, and the foreground process group gets SIGHUP and SIGCONT.
 * @throws SystemError ENOTTY if the descriptor is not that terminal
 */
export function giveUpTerminal(descriptor: number): void {
  checked('ioctl', ioctlCall(descriptor, constants.TIOCNOTTY));
}

/**
 * Opens standard input once more, close-on-exec, without making it the controlling terminal.
 * @returns undefined if it cannot be opened: /proc is not mounted, or the terminal belongs to another user
 */
export function reopenInput(): number | undefined {
  return open('/proc/self/fd/0');
}

/** tcgetpgrp(3). @throws SystemError ENOTTY once the terminal has hung up */
export function foregroundGroup(terminal: number): Pid {
  return checked('tcgetpgrp', tcgetpgrpCall(terminal)) as Pid;
}

/**
 * tcsetpgrp(3). It stops a caller in the background that does not block SIGTTOU.
 * @throws SystemError EPERM for a group of another session, ESRCH for an empty one
 */
export function setForegroundGroup(terminal: number, group: Pid): void {
  checked('tcsetpgrp', tcsetpgrpCall(terminal, group));
}
