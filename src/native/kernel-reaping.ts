import { addressOf, bind, koffi } from './addon.ts';
import * as constants from './constants.ts';
import { closePidfd, openPidfd, reapedStatus } from './pidfd.ts';
import { withSignalsBlocked } from './signals.ts';
import type { Pid } from './types.ts';
import { waitUntilEnded } from './wait.ts';

const cloneCall = bind<[unknown, bigint, number, number], number>('int clone(void *, void *, int, intptr_t)');
const STACK_BYTES = 16_384;

/** undefined: not probed yet. */
let isTold: boolean | undefined;

/**
 * Whether the kernel still tells how a child ended after it has been reaped, PIDFD_INFO_EXIT (Linux 6.15). A version
 * number says nothing about seccomp profiles and sandboxes, so this needs a child to probe it with.
 * @returns false also if it cannot be probed now, for want of a process or a descriptor. The next call probes again
 */
export function kernelTellsReapedStatus(): boolean {
  if (isTold === undefined) probe();
  return isTold === true;
}

/** Blocks until this child has ended and takes its status, which is a probe as well. */
export function waitAndProbe(child: Pid): void {
  const pidfd = openPidfd(child);
  // Without it another process may have its pid.
  const isWaitedFor = waitUntilEnded(child);
  if (pidfd === undefined) return;
  if (isWaitedFor) isTold = reapedStatus(pidfd) !== undefined;
  closePidfd(pidfd);
}

/**
 * The child shares this process's memory and only calls _exit(0), while this thread sleeps, as in vfork(2). It takes some
 * 50 us.
 */
function probe(): void {
  const stack = new Uint8Array(STACK_BYTES);
  // The stack grows down, and every architecture aligns it to 16 bytes.
  const top = (koffi().address(stack) + BigInt(STACK_BYTES)) & ~15n;
  const flags = constants.CLONE_VM | constants.CLONE_VFORK | constants.SIGCHLD;
  const exit = addressOf('_exit');
  // The child has this process's signal handlers, which would write to this process's memory and pipes.
  const child = withSignalsBlocked(() => cloneCall(exit, top, flags, 0)) as Pid;
  if (child !== -1) waitAndProbe(child);
}
