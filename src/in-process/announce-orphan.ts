import { describeOrphan, type ReapedOrphan } from '../events/orphan.ts';
import { realTimeSignals } from '../native/signals.ts';
import type { Pid, Signal } from '../native/types.ts';
import type { WaitedFor } from '../native/wait.ts';
import { isProcUsable, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';
import { signalName } from '../signals/signal-names.ts';

/** Reads an orphan's details before it is reaped. @returns a function that tells of the orphan once it is reaped */
export function announceOrphan(pid: Pid, tell: (orphan: ReapedOrphan) => void): (waited: WaitedFor) => void {
  let info: ProcessInfo | undefined;
  try {
    if (isProcUsable()) info = readProcess(pid);
  } catch {
    // No descriptor is left. The orphan must be reaped all the same.
  }
  return (waited) => tell(describeOrphan(pid, info, waited, nameOf));
}

function nameOf(signal: Signal): string {
  return signalName(signal, realTimeSignals());
}
