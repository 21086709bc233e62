export { becomeSubreaper } from './native/process.ts';
export { SystemError } from './native/system-error.ts';
export { type KillTreeOptions, killTree } from './process-tree/kill-tree.ts';
export { descendants, type ProcessInfo } from './process-tree/process-table.ts';
export {
  type Logger,
  type ReapedOrphan,
  type RegisterOptions,
  type Registration,
  register,
} from './register.ts';
