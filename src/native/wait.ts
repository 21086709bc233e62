import { bind, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import { lastError } from './system-error.ts';
import type { Pid, Signal } from './types.ts';

const wait4Call = bind<[number, Int32Array, number, BigInt64Array | null], number>(
  'int wait4(int, void *, int, void *)',
);
const waitidCall = bind<[number, number, Int32Array, number], number>('int waitid(int, uint, void *, int)');
const ptraceCall = bind<[number, number, number, number], number>(
  'long ptrace(int, int, intptr_t, intptr_t)',
);

const statusCell = new Int32Array(1);
// Typed arrays, not Buffers: the first use of a Buffer's methods costs start-up 0.1 ms.
const siginfo = new Int32Array(layouts.sizeofSiginfo / 4);
const siginfoPid = layouts.siginfoPidOffset / 4;
const siginfoCode = layouts.siginfoCodeOffset / 4;
const rusage = new BigInt64Array(layouts.sizeofRusage / 8);

/** The result of a wait that does not block: a child, nothing yet, or no child at all (ECHILD). */
export type Waited = Pid | 'nothing-yet' | 'no-children';

/**
 * Waits for any child without blocking, wait4(2), and takes its status, which `lastWaitStatus` returns: 20,000 orphans
 * should not make 20,000 objects.
 * @param reportStopped also report children that stopped (WUNTRACED)
 * @param withUsage also take its resource usage, for `lastUsage`
 * @throws SystemError EPERM, ENOSYS if a seccomp filter or a sandbox refuses the call
 */
export function waitForAny(reportStopped: boolean, withUsage = false): Waited {
  return waitForChild(-1 as Pid, reportStopped, withUsage);
}

/**
 * The same for one child: 'no-children' if there is no such child, or its status has been taken.
 * @throws SystemError EPERM, ENOSYS
 */
export function waitForChild(child: Pid, reportStopped: boolean, withUsage = false): Waited {
  const options = reportStopped ? constants.WNOHANG | constants.WUNTRACED : constants.WNOHANG;
  const pid = wait4Call(child, statusCell, options, withUsage ? rusage : null);
  if (pid > 0) return pid as Pid;
  if (pid === 0) return 'nothing-yet';
  if (lastErrno() === constants.ECHILD) return 'no-children';
  throw lastError('wait4');
}

/** The wait status that the last wait took: wait(2). */
export function lastWaitStatus(): number {
  return statusCell[0] as number;
}

/** The resource usage of the child that the last wait with `withUsage` took. */
export function lastUsage(): Usage {
  return {
    userCpuMs: timevalMs(layouts.rusageUserTimeOffset),
    systemCpuMs: timevalMs(layouts.rusageSystemTimeOffset),
    maxRssKib: field(layouts.rusageMaxRssOffset),
  };
}

/**
 * Blocks until the child has ended, and takes its status: wait4(2).
 * @returns false, at once, if there is no such child
 */
export function waitUntilEnded(pid: Pid): boolean {
  for (;;) {
    if (wait4Call(pid, statusCell, 0, null) === pid) return true;
    // Handlers of libuv restart the call. Those of node itself, before it exits, and of addons may not: SA_RESTART.
    if (lastErrno() !== constants.EINTR) return false;
  }
}

/**
 * Finds a child without blocking and without taking its status: waitid(2) with WNOWAIT. /proc shows it until its status is
 * taken. A tracee that has stopped is found too, unasked.
 * @returns undefined if the call is refused (EPERM, ENOSYS)
 */
function peek(idType: number, id: number, options: number): Waited | undefined {
  // Some kernels leave si_pid alone if there is nothing to report: clear it first, waitid(2).
  siginfo[siginfoPid] = 0;
  if (waitidCall(idType, id, siginfo, options | constants.WNOHANG | constants.WNOWAIT) === -1)
    return lastErrno() === constants.ECHILD ? 'no-children' : undefined;
  const pid = siginfo[siginfoPid] as number;
  return pid === 0 ? 'nothing-yet' : (pid as Pid);
}

/** Finds a child that has ended, or stopped with `reportStopped`. @returns undefined if the call is refused */
export function peekAny(reportStopped: boolean): Waited | undefined {
  return peek(constants.P_ALL, 0, reportStopped ? constants.WEXITED | constants.WSTOPPED : constants.WEXITED);
}

/**
 * Finds a child of the calling thread that has ended: __WNOTHREAD keeps those that other threads forked out of sight.
 * @returns 'no-children' also if the call is refused
 */
export function peekEnded(): Waited {
  return peek(constants.P_ALL, 0, constants.WEXITED | constants.__WNOTHREAD) ?? 'no-children';
}

/** Whether this process has such a child, and it has not ended. @returns undefined if the call is refused */
export function isRunningChild(pid: Pid): boolean | undefined {
  const found = peek(constants.P_PID, pid, constants.WEXITED);
  if (found === undefined) return undefined;
  return found === 'nothing-yet' || (found === pid && siginfo[siginfoCode] === constants.CLD_TRAPPED);
}

/** The resource usage of a process and of the children that it waited for: getrusage(2). */
export interface Usage {
  readonly userCpuMs: number;
  readonly systemCpuMs: number;
  /** The largest resident set among them, in KiB. */
  readonly maxRssKib: number;
}

/** A child that was waited for: wait(2). */
export interface WaitedFor {
  readonly status: number;
  readonly usage: Usage;
}

/**
 * Waits for one child of the calling thread without blocking, wait4(2), and takes its status: that of its end, or of a
 * stop if this process traces it, ptrace(2).
 * @returns undefined if it still runs, or there is no such child (ECHILD)
 */
export function waitFor(pid: Pid): WaitedFor | undefined {
  if (wait4Call(pid, statusCell, constants.WNOHANG | constants.__WNOTHREAD, rusage) !== pid) return undefined;
  return { status: lastWaitStatus(), usage: lastUsage() };
}

/** A struct timeval of the rusage: seconds, then microseconds. */
function timevalMs(offset: number): number {
  return field(offset) * 1000 + field(offset + 8) / 1000;
}

/** A long of the rusage. */
function field(offset: number): number {
  return Number(rusage[offset / 8]);
}

/**
 * Lets a stopped tracee of the calling thread run on untraced, PTRACE_DETACH of ptrace(2).
 *
 * A child that calls PTRACE_TRACEME, the usual check for a debugger, makes its parent its tracer, unasked. From then on
 * each signal stops it until the tracer lets it go on, and wait4(2) reports those stops without WUNTRACED too.
 * @param signal the signal that stopped it, which it then gets. SIGTRAP is not passed on: execve(2) of a tracee raises one,
 *   which is meant for the tracer and would end the tracee
 * @returns false if it is no stopped tracee of this thread (ESRCH), or the call is refused (EPERM)
 */
export function detachTracee(pid: Pid, signal: Signal): boolean {
  const passedOn = signal === constants.SIGTRAP ? 0 : signal;
  return ptraceCall(constants.PTRACE_DETACH, pid, 0, passedOn) !== -1;
}
