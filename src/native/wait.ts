import { bind, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import { SystemError } from './system-error.ts';
import type { Errno, Pid } from './types.ts';

const wait4Call = /* @__PURE__ */ bind<[number, Int32Array, number, BigInt64Array | null], number>(
  'int wait4(int, void *, int, void *)',
);
const waitidCall = /* @__PURE__ */ bind<[number, number, Int32Array, number], number>(
  'int waitid(int, uint, void *, int)',
);

const statusCell = new Int32Array(1);
// Typed arrays, not Buffers: the first use of a Buffer's methods costs start-up 0.1 ms.
const siginfo = new Int32Array(layouts.sizeofSiginfo / 4);
const siginfoPid = layouts.siginfoPidOffset / 4;
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
  return wait(-1, reportStopped, withUsage);
}

/**
 * The same for one child: 'no-children' if there is no such child, or its status has been taken.
 * @throws SystemError EPERM, ENOSYS
 */
export function waitForChild(pid: Pid, reportStopped: boolean, withUsage = false): Waited {
  return wait(pid, reportStopped, withUsage);
}

function wait(which: number, reportStopped: boolean, withUsage: boolean): Waited {
  const options = reportStopped ? constants.WNOHANG | constants.WUNTRACED : constants.WNOHANG;
  const pid = wait4Call(which, statusCell, options, withUsage ? rusage : null);
  if (pid > 0) return pid as Pid;
  if (pid === 0) return 'nothing-yet';
  if (lastErrno() === constants.ECHILD) return 'no-children';
  throw new SystemError('wait4', lastErrno() as Errno);
}

/**
 * Whether this process has such a child, and it has not ended: waitid(2), which finds children only.
 * @returns undefined if the call is refused (EPERM, ENOSYS)
 */
export function isRunningChild(pid: Pid): boolean | undefined {
  const options = constants.WEXITED | constants.WNOHANG | constants.WNOWAIT;
  siginfo[siginfoPid] = 0;
  if (waitidCall(constants.P_PID, pid, siginfo, options) !== -1) return siginfo[siginfoPid] === 0;
  return lastErrno() === constants.ECHILD ? false : undefined;
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
  return wait4Call(pid, statusCell, 0, null) === pid;
}

/**
 * Finds a child of the calling thread that has ended, without blocking and without taking its status: waitid(2) with
 * WNOWAIT and __WNOTHREAD. Children that other threads forked stay out of sight.
 * A valid call that does not block can only fail with ECHILD.
 */
export function peekEnded(): Pid | 'nothing-yet' | 'no-children' {
  const options = constants.WEXITED | constants.WNOHANG | constants.WNOWAIT | constants.__WNOTHREAD;
  // Some kernels leave si_pid alone if there is nothing to report: clear it first, waitid(2).
  siginfo[siginfoPid] = 0;
  if (waitidCall(constants.P_ALL, 0, siginfo, options) === -1) return 'no-children';
  const pid = siginfo[siginfoPid] as number;
  return pid === 0 ? 'nothing-yet' : (pid as Pid);
}

/**
 * Finds a child that has ended, or stopped with `reportStopped`, without blocking and without taking its status: waitid(2)
 * with WNOWAIT. /proc shows it until its status is taken.
 * @returns undefined if the call is refused (EPERM, ENOSYS)
 */
export function peekAny(reportStopped: boolean): Waited | undefined {
  const ends = reportStopped ? constants.WEXITED | constants.WSTOPPED : constants.WEXITED;
  siginfo[siginfoPid] = 0;
  if (waitidCall(constants.P_ALL, 0, siginfo, ends | constants.WNOHANG | constants.WNOWAIT) === -1)
    return lastErrno() === constants.ECHILD ? 'no-children' : undefined;
  const pid = siginfo[siginfoPid] as number;
  return pid === 0 ? 'nothing-yet' : (pid as Pid);
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
 * Waits for one child of the calling thread without blocking, wait4(2), and takes its status.
 * @returns undefined if it still runs, or there is no such child (ECHILD)
 */
export function waitFor(pid: Pid): WaitedFor | undefined {
  if (wait4Call(pid, statusCell, constants.WNOHANG | constants.__WNOTHREAD, rusage) !== pid) return undefined;
  return {
    status: statusCell[0] as number,
    usage: lastUsage(),
  };
}

/** A struct timeval of the rusage: seconds, then microseconds. */
function timevalMs(offset: number): number {
  return field(offset) * 1000 + field(offset + 8) / 1000;
}

/** A long of the rusage. */
function field(offset: number): number {
  return Number(rusage[offset / 8]);
}
