import type { Effect, Event, State } from '../lifecycle/model.ts';
import type { SystemError } from '../native/system-error.ts';
import type { Pid } from '../native/types.ts';
import type { Usage } from '../native/wait.ts';
import type { Ended } from '../reaper/wait-status.ts';

/** The parts of an end, in the order in which they come; an end may lack any of them. */
export type Phase = 'stop-delay' | 'stop' | 'drain' | 'grace' | 'kill';

/** When a phase began, in milliseconds since init started, and how long it took. */
export interface PhaseTime {
  readonly phase: Phase;
  readonly startMs: number;
  readonly tookMs: number;
}

/** What an observer is told. */
export type Observation =
  /** An event of the lifecycle, its effects, which are carried out next, and the state after it. */
  | {
      readonly kind: 'step';
      readonly event: Event;
      readonly effects: readonly Effect[];
      readonly after: State;
    }
  /** /proc still shows a child that has ended or stopped. */
  | { readonly kind: 'zombie'; readonly pid: Pid }
  /** The status of an ended child has just been taken. */
  | {
      readonly kind: 'reaped';
      readonly pid: Pid;
      readonly status: number;
      readonly how: Ended;
      readonly usage: Usage;
      readonly isWorkload: boolean;
    }
  /** So many processes beside the workload get SIGKILL next. */
  | { readonly kind: 'killing'; readonly processes: number }
  /** A phase of the end is over. */
  | { readonly kind: 'phase'; readonly phase: PhaseTime }
  /** init exits next. `reason`: why it ends badly, if it knows. */
  | { readonly kind: 'exit'; readonly status: number; readonly reason: string | null };

/** Data in, nothing out: an observer tells of what init does, and changes none of it. */
export interface Observer {
  /** 'the report' */
  readonly name: string;
  /** Why it needs the status of every orphan; undefined if it does not, and the kernel may reap. */
  readonly needsStatuses?: string | undefined;
  /** Whether it wants to look at zombies. That costs each child a waitid(2). */
  readonly seesZombies?: true;
  observe(observation: Observation): void;
  /** Ends what it does by itself. */
  stop?(): void;
}

/** How init begins. */
export interface Beginning {
  /** Whether orphans come to init: it is PID 1 or a subreaper, perhaps by its parent's doing. */
  readonly adoptsOrphans: boolean;
  /** What became of init's own terminal, if the workload will lead a session. */
  readonly terminal: 'handed-over' | 'shared' | { readonly error: SystemError } | undefined;
}

/** What init says beside its log, in the words of another program. */
export interface Messages {
  readonly observer?: Observer;
  /** Call it before the workload starts. */
  begin?(beginning: Beginning): void;
  /** How init ends if the workload cannot be started. `error` is that of execve(2) or fork(2). */
  startFailed(program: string, error: SystemError): { readonly status: number; readonly line: string };
}
