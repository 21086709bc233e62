import type { Policy } from '../lifecycle/model.ts';
import type { Log } from '../log/log.ts';
import type { SignalWatch } from '../native/signals.ts';
import type { Pid } from '../native/types.ts';
import type { Explanations } from '../observe/explanations.ts';
import type { Observers } from '../observe/observers.ts';
import type { Terminal } from './terminal.ts';

/** What the supervision of a workload is given. */
export interface Parts {
  readonly policy: Policy;
  /** undefined if init has none. */
  readonly terminal: Terminal | undefined;
  /** What handles SIGCHLD. */
  readonly watch: SignalWatch;
  readonly log: Log;
  readonly explanations: Explanations;
  readonly observers: Observers;
  /** The workload's name in the log. */
  readonly program: string;
  /** @throws Failure, SystemError */
  readonly start: () => Pid;
}
