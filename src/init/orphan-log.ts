import { describeOrphan, orphanEvent } from '../events/orphan.ts';
import type { Log } from '../log/log.ts';
import type { Pid, Signal } from '../native/types.ts';
import type { WaitedFor } from '../native/wait.ts';
import { isProcUsable, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';
import { attempt } from './attempt.ts';

/** Logs how each orphan ended, and what /proc showed of it. */
export interface OrphanLog {
  /** Call it for every child that has ended or stopped. */
  readonly beforeReaping: (pid: Pid) => void;
  readonly reaped: (pid: Pid, waited: WaitedFor) => void;
}

export function createOrphanLog(log: Log, nameOf: (signal: Signal) => string): OrphanLog {
  let zombie: ProcessInfo | undefined;
  return {
    beforeReaping(pid) {
      zombie = undefined;
      // No descriptor may be left: the record then lacks what /proc would tell.
      attempt(() => {
        if (isProcUsable()) zombie = readProcess(pid);
      });
    },
    reaped(pid, waited) {
      const info = zombie?.pid === pid ? zombie : undefined;
      log('debug', 'orphan reaped', orphanEvent(describeOrphan(pid, info, waited, nameOf)));
    },
  };
}
