import { constants, layouts } from './abi.ts';
import { foreign } from './addon.ts';
import type { Pid } from './types.ts';

const wait4Call = foreign<[number, Int32Array, number, null], number>('wait4', 'int', [
  'int',
  'void *',
  'int',
  'void *',
]);
const waitidCall = foreign<[number, number, Buffer, number], number>('waitid', 'int', [
  'int',
  'uint',
  'void *',
  'int',
]);

const statusCell = new Int32Array(1);
const siginfo = Buffer.alloc(layouts.sizeofSiginfo);

/** What a wait that does not block found: a child and its wait status, nothing yet, or no child at all (ECHILD). */
export type Waited = { readonly pid: Pid; readonly status: number } | 'nothing-yet' | 'no-children';

/**
 * Waits for any child without blocking, wait4(2), and takes its status.
 * @param reportStopped also report children that stopped (WUNTRACED)
 * ECHILD is the one error that a valid call without blocking can have.
 */
export function waitForAny(reportStopped: boolean): Waited {
  const options = reportStopped ? constants.WNOHANG | constants.WUNTRACED : constants.WNOHANG;
  const pid = wait4Call(-1, statusCell, options, null);
  if (pid > 0) return { pid: pid as Pid, status: statusCell[0] as number };
  return pid === 0 ? 'nothing-yet' : 'no-children';
}

/**
 * Looks, without blocking and without taking its status, for a child of the calling thread that has ended:
 * waitid(2) with WNOWAIT and __WNOTHREAD. Children that other threads forked stay out of sight.
 * ECHILD is the one error that a valid call without blocking can have.
 */
export function peekEnded(): Pid | 'nothing-yet' | 'no-children' {
  const options = constants.WEXITED | constants.WNOHANG | constants.WNOWAIT | constants.__WNOTHREAD;
  // The kernel leaves si_pid alone where there is nothing to report on some versions: clear it first, waitid(2).
  siginfo.writeInt32LE(0, layouts.siginfoPidOffset);
  if (waitidCall(constants.P_ALL, 0, siginfo, options) === -1) return 'no-children';
  const pid = siginfo.readInt32LE(layouts.siginfoPidOffset);
  return pid === 0 ? 'nothing-yet' : (pid as Pid);
}
