export { type FailOnLeaksOptions, failOnLeaks, type TestHooks } from './fail-on-leaks.ts';
export { type LeakedProcess, LeakedProcessError } from './leaked-process-error.ts';
export {
  type Orphan,
  type OrphanChainOptions,
  orphanChain,
  type WaitForOrphansOptions,
  waitForOrphans,
} from './orphan-chain.ts';
export { type PipeHolder, pipeHolders } from './pipe-holders.ts';
export { processTree, type WaitForZombiesOptions, waitForZombies, zombies } from './process-tree.ts';
export { type ProcessTracker, type TrackOptions, trackProcesses } from './track-processes.ts';
