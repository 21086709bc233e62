import { kill } from '../native/process.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';

/**
 * Signals the workload's process group, or the workload alone. Until init has waited for it, its number is its own.
 * @throws SystemError ESRCH, EPERM
 */
export function signalWorkload(workload: Pid, signal: Signal, scope: 'group' | 'child'): void {
  if (scope === 'child') {
    kill(workload, signal);
    return;
  }
  try {
    kill(-workload, signal);
  } catch (error) {
    // It leads a group of its own, unless it has left that for another one.
    if (!(error instanceof SystemError && error.code === 'ESRCH')) throw error;
    kill(workload, signal);
  }
}
