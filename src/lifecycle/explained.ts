import type { Signal } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';

/** What init waits for, and what was slow or wrong. */
export type Explained =
  /**
   * The workload, or what it left, still runs this long after the stop signal; at --stop-timeout SIGKILL comes next.
   * `signal` is as it was sent.
   */
  | {
      readonly kind: 'slow-stop' | 'stop-timeout';
      readonly signal: Signal;
      readonly scope: 'group' | 'child' | 'tree';
      readonly waitedMs: number;
    }
  /** The workload has ended, and others that got the stop signal with it are still stopping. */
  | { readonly kind: 'stopping'; readonly signal: Signal; readonly scope: 'group' | 'child' | 'tree' }
  /** --until all waits for what the workload left. */
  | { readonly kind: 'waiting' }
  /** SIGTERM comes next for the survivors. */
  | { readonly kind: 'asking' }
  /** Survivors still run this long after they were asked to end. */
  | { readonly kind: 'slow-survivors'; readonly waitedMs: number }
  /** SIGKILL comes next for the survivors. */
  | { readonly kind: 'killing' }
  /** A signal that init did not send ended the workload, or its status looks like that. */
  | { readonly kind: 'end'; readonly how: Ended };
