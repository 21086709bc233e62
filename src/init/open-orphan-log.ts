import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import type { Signal } from '../native/types.ts';
import type * as orphanLogs from './orphan-log.ts';
import type { OrphanLog } from './orphan-log.ts';

/** Loads what the debug log needs, dist/orphans.cjs: a bundle of its own, as that of the report. */
export function openOrphanLog(log: Log, nameOf: (signal: Signal) => string): OrphanLog {
  return (requireModule('./orphans.cjs') as typeof orphanLogs).createOrphanLog(log, nameOf);
}
