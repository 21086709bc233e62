import type { SystemError } from '../native/system-error.ts';
import type { Pid } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';
import type { HandOver } from './hand-over-terminal.ts';
import type { Effect, Event } from './lifecycle/model.ts';

/** How init begins. */
export interface Beginning {
  /** Whether orphans come to init: it is PID 1 or a subreaper, perhaps by its parent's doing. */
  readonly adoptsOrphans: boolean;
  /** What became of init's own terminal, if the workload will lead a session. */
  readonly terminal: HandOver['terminal'] | undefined;
}

/** Says what init does in the words of another program. */
export interface Messages {
  /** Whether they tell of each orphan: then init reaps all of them itself. */
  readonly tellOfOrphans: boolean;
  /** Call it before the workload starts. */
  begin(beginning: Beginning): void;
  /** Call it with each event and its effects. */
  follow(event: Event, effects: readonly Effect[]): void;
  orphanReaped(pid: Pid, how: Ended): void;
  /** How init ends if the workload cannot be started. `error` is that of execve(2) or fork(2). */
  startFailed(program: string, error: SystemError): { readonly status: number; readonly line: string };
}
