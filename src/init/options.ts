import type { LifecycleOptions } from '../lifecycle/options.ts';
import type { Signal } from '../native/types.ts';
import type { ObserveOptions } from '../observe/options.ts';

/** What init can be told. The option table of the command line holds a default and a parser for each. */
export interface InitOptions extends LifecycleOptions, ObserveOptions {
  /** What the kernel is to send init when its parent dies. */
  readonly parentDeathSignal: Signal | undefined;
  /** What the workload leads: a process group; a session, which takes init's terminal; nothing, it is in init's group. */
  readonly leads: 'group' | 'session' | 'nothing';
  /** Whether init becomes a subreaper if it is not PID 1. */
  readonly subreaper: boolean;
  /** Whether init also catches and forwards the signals that the kernel raises for faults. */
  readonly catchFaults: boolean;
}
