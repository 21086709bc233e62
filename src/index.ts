export {
  type Logger,
  type ReapedOrphan,
  type RegisterOptions,
  type Registration,
  register,
} from './in-process/register.ts';
export { becomeSubreaper } from './native/process.ts';
export { SystemError } from './native/system-error.ts';
export { type KillTreeOptions, killTree } from './process-tree/kill-tree.ts';
export { descendants, type ProcessInfo } from './process-tree/process-table.ts';
