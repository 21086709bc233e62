import { refuseOldNode } from './native/supported-node.ts';

export type { ExitEvent, KillEvent, OrphanEvent, StartedEvent } from './events/events.ts';
export type { ReapedOrphan } from './events/orphan.ts';
export type { EventChannels } from './in-process/channels.ts';
export {
  type Logger,
  type RegisterOptions,
  type Registration,
  register,
} from './in-process/register.ts';
export { becomeSubreaper } from './native/process.ts';
export { SystemError } from './native/system-error.ts';
export { type BoundOptions, type BoundProcess, spawnBound } from './owner/spawn-bound.ts';
export { descendants } from './process-tree/descendants.ts';
export { type KillTreeOptions, killTree } from './process-tree/kill-tree.ts';
export type { ProcessInfo } from './process-tree/process-table.ts';

// An import that fails says more than a call that does.
refuseOldNode();
