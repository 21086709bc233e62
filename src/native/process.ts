import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { checked } from './system-error.ts';
import type { Pid, Signal } from './types.ts';

const killCall = bind<[number, number], number>('int kill(int, int)');
const prctlCall = bind<[number, number], number>('int prctl(int, unsigned long)');
const prctlName = bind<[number, string], number>('int prctl(int, str)');
const prctlFlag = bind<[number, Int32Array], number>('int prctl(int, void *)');
const exitCall = bind<[number], never>('void _exit(int)');
const getpgidCall = bind<[number], number>('int getpgid(int)');
const setpgidCall = bind<[number, number], number>('int setpgid(int, int)');
const setsidCall = bind<[], number>('int setsid(void)');

const flagCell = new Int32Array(1);

/**
 * Sends a signal, kill(2).
 * @param target a process; 0 for the caller's process group, a negative number for the process group of that ID
 * @throws SystemError ESRCH if there is no such process or group, EPERM if the caller may signal none of it
 */
export function kill(target: number, signal: Signal): void {
  checked('kill', killCall(target, signal));
}

/**
 * Makes orphans below this process its children, PR_SET_CHILD_SUBREAPER of prctl(2).
 * @throws SystemError if a seccomp filter forbids it
 */
export function becomeSubreaper(): void {
  checked('prctl', prctlCall(constants.PR_SET_CHILD_SUBREAPER, 1));
}

/** Whether orphans below this process become its children, PR_GET_CHILD_SUBREAPER of prctl(2). @throws SystemError */
export function isSubreaper(): boolean {
  checked('prctl', prctlFlag(constants.PR_GET_CHILD_SUBREAPER, flagCell));
  return flagCell[0] === 1;
}

/** Leaves orphans to the next subreaper above, or to PID 1. Orphans adopted so far stay children. @throws SystemError */
export function ceaseToBeSubreaper(): void {
  checked('prctl', prctlCall(constants.PR_SET_CHILD_SUBREAPER, 0));
}

/**
 * Asks the kernel for a signal when the parent dies, PR_SET_PDEATHSIG of prctl(2). The parent is the thread that
 * forked this process. If it died before the call, no signal comes: compare getppid(2).
 */
export function setParentDeathSignal(signal: Signal): void {
  checked('prctl', prctlCall(constants.PR_SET_PDEATHSIG, signal));
}

/** Whatever signal ends this process, it leaves no core dump: PR_SET_DUMPABLE of prctl(2). @throws SystemError */
export function leaveNoCoreDump(): void {
  checked('prctl', prctlCall(constants.PR_SET_DUMPABLE, 0));
}

/** Names this thread, PR_SET_NAME of prctl(2): at most 15 bytes. ps and top show the name of the main thread. */
export function setProcessName(name: string): void {
  checked('prctl', prctlName(constants.PR_SET_NAME, name));
}

/** getpgrp(2). */
export const ownProcessGroup = bind<[], Pid>('int getpgrp(void)');

/** getpgid(2). @returns undefined if there is no such process */
export function processGroupOf(pid: Pid): Pid | undefined {
  const group = getpgidCall(pid);
  return group === -1 ? undefined : (group as Pid);
}

/** Leaves the process group for a new one that this process leads, setpgid(2). @throws SystemError EPERM for a session leader */
export function leadNewGroup(): void {
  checked('setpgid', setpgidCall(0, 0));
}

/** Leaves the session for a new one that this process leads, setsid(2). @throws SystemError EPERM for the leader of a group */
export function leadNewSession(): void {
  checked('setsid', setsidCall());
}

/**
 * Ends the process at once, _exit(2). Node's own exit first joins libuv's threads and frees the heap: the container
 * would wait for work that is lost with the process anyway.
 */
export function exitNow(status: number): never {
  return exitCall(status);
}
