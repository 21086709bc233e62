import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { checked } from './system-error.ts';
import type { Pid, Signal } from './types.ts';

const killCall = /* @__PURE__ */ bind<[number, number], number>('kill', 'int', ['int', 'int']);
const prctlCall = /* @__PURE__ */ bind<[number, number], number>('prctl', 'int', ['int', 'unsigned long']);
const prctlName = /* @__PURE__ */ bind<[number, string], number>('prctl', 'int', ['int', 'str']);
const prctlFlag = /* @__PURE__ */ bind<[number, Int32Array], number>('prctl', 'int', ['int', 'void *']);
const exitCall = /* @__PURE__ */ bind<[number], never>('_exit', 'void', ['int']);
const getpgrpCall = /* @__PURE__ */ bind<[], number>('getpgrp', 'int', []);

const flagCell = new Int32Array(1);

/**
 * Sends a signal, kill(2): to a process, with 0 to the caller's own process group, with a negative number to
 * the process group of that ID.
 * @throws SystemError ESRCH if there is no such process or group, EPERM if none of it may be signalled
 */
export function kill(target: number, signal: Signal): void {
  checked('kill', killCall(target, signal));
}

/**
 * Makes orphans below this process its children, PR_SET_CHILD_SUBREAPER of prctl(2).
 * @throws SystemError where a seccomp filter forbids it
 */
export function becomeSubreaper(): void {
  checked('prctl', prctlCall(constants.PR_SET_CHILD_SUBREAPER, 1));
}

/** Whether orphans below this process become its children, PR_GET_CHILD_SUBREAPER of prctl(2). @throws SystemError */
export function isSubreaper(): boolean {
  checked('prctl', prctlFlag(constants.PR_GET_CHILD_SUBREAPER, flagCell));
  return flagCell[0] === 1;
}

/** Leaves orphans to the next subreaper above, or to PID 1. Those adopted so far stay children. @throws SystemError */
export function ceaseToBeSubreaper(): void {
  checked('prctl', prctlCall(constants.PR_SET_CHILD_SUBREAPER, 0));
}

/**
 * Asks the kernel for a signal when the parent dies, PR_SET_PDEATHSIG of prctl(2). Parent means the thread that
 * forked this process. A parent that died before the call goes unnoticed: compare getppid(2).
 */
export function setParentDeathSignal(signal: Signal): void {
  checked('prctl', prctlCall(constants.PR_SET_PDEATHSIG, signal));
}

/** Names this thread, PR_SET_NAME of prctl(2): at most 15 bytes; the main thread's is what ps and top show. */
export function setProcessName(name: string): void {
  checked('prctl', prctlName(constants.PR_SET_NAME, name));
}

/** getpgrp(2). */
export function ownProcessGroup(): Pid {
  return getpgrpCall() as Pid;
}

/**
 * Ends the process at once, _exit(2). Node's own exit joins libuv's threads and frees the heap first: time that
 * a container's end would wait for, and nothing that outlives the process.
 */
export function exitNow(status: number): never {
  return exitCall(status);
}
