import type { Signal } from '../native/types.ts';

export type RestartPolicy =
  | { readonly kind: 'no' }
  | { readonly kind: 'always' }
  /** `limit`: how many restarts in a row. */
  | { readonly kind: 'on-failure'; readonly limit: number };

/** The options that the lifecycle acts on. */
export interface LifecycleOptions {
  /** Whom a forwarded signal reaches: the workload's process group, it alone, or every descendant. */
  readonly scope: 'group' | 'child' | 'tree';
  /** What to forward in place of a signal. */
  readonly rewrite: ReadonlyMap<Signal, Signal | 'drop'>;
  /** The exit status in place of the workload's. */
  readonly remapExit: ReadonlyMap<number, number>;
  /** What survivors get between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** What ends a run: the end of the workload, or of its last descendant. */
  readonly until: 'main' | 'all';
  /** End the tree when the process that started init ends. */
  readonly untilOwner: boolean;
  /** End the tree when standard input does: nobody can write to it any more. */
  readonly untilStdinCloses: boolean;
  readonly stopDelayMs: number;
  readonly stopTimeoutMs: number | undefined;
  readonly restart: RestartPolicy;
  /** Run no workload. */
  readonly pause: boolean;
  /** init stops itself after it has forwarded one of these. */
  readonly suspendOn: readonly Signal[];
  /** What init does with survivors: it ends them; it sends the workload's group one SIGTERM, rewritten; it leaves them alone. */
  readonly survivors: 'end' | 'signal' | 'leave';
}
