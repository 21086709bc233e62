import type { EventRecord } from '../events/events.ts';
import type { Pid, Signal } from '../native/types.ts';
import type { Ended } from '../reaper/wait-status.ts';
import type { Explained } from './explained.ts';
import type { LifecycleOptions } from './options.ts';

/** What the lifecycle is made of: its states, the events that it gets, the effects that it asks for. */

/** What the lifecycle needs to know: the options, and where it runs. */
export interface Policy {
  readonly options: LifecycleOptions;
  readonly isPid1: boolean;
  /**
   * own: standard input and output are init's controlling terminal, so the workload gets it at once. shared: in a
   * pipeline others may want it too, so the workload gets it when it asks for it.
   */
  readonly terminal: 'none' | 'shared' | 'own';
  /** Signals that the workload ignores from its start do not stop it: nohup(1), a background job of a script. */
  readonly ignored: readonly Signal[];
  /** init gets each of these once because it has given up its terminal. It does not forward that one. */
  readonly handOffSignals: readonly Signal[];
  /** Whether the statuses of orphans matter until the end: the debug log, the report and the trace tell of them. */
  readonly keepsStatuses: boolean;
  /** How long after a stop signal init says what it waits for, in milliseconds, ascending; empty if nobody would read it. */
  readonly slowMs: readonly number[];
}

/** A signal, and what init sends for it. */
export interface Sending {
  readonly signal: Signal;
  readonly sent: Signal;
}

/** The progress of a stop signal. */
export type Stopping = Readonly<
  | { kind: 'no' }
  /** --stop-delay holds it. */
  | ({ kind: 'held' } & Sending)
  /** It was forwarded. `waitedMs`: elapsed when the timer last fired. */
  | { kind: 'forwarded'; waitedMs: number }
  /** Standard input has ended. The workload sees that too, and has --grace to end by itself. */
  | { kind: 'input-ended' }
  /** --stop-timeout has expired: every process gets SIGKILL. */
  | { kind: 'killing' }
>;

export interface Run {
  /** The first stop signal. Nothing is started after it. */
  readonly stoppedBy: Signal | undefined;
  /** The number of restarts in a row. */
  readonly restarts: number;
}

/** A run that is over, or that init ends. */
export interface RunEnd extends Run {
  readonly status: number;
  /** init itself has failed: the workload's status does not matter any more. */
  readonly hasFailed: boolean;
}

export type State = Readonly<
  /** The workload is being started. Its start, or the failure of it, comes next: no turn of the event loop is between. */
  | (Run & { kind: 'starting' })
  | (Run & {
      kind: 'running';
      startedAtMs: number;
      stopping: Stopping;
      /** The signal that stopped the workload, while init has stopped itself too: Ctrl-Z. */
      suspendedBy: Signal | undefined;
      /** What the terminal has sent to the workload's group: Ctrl-C. */
      interruptedBy: Signal | undefined;
      /** The signals of the terminal's hand-over that have not come yet. */
      handOffSignals: readonly Signal[];
    })
  /** --pause: no workload; init waits for a stop signal. */
  | (Run & { kind: 'pausing' })
  /** The workload has ended, and others take its place. */
  | (Run & {
      kind: 'draining';
      startedAtMs: number;
      status: number;
      /**
       * descendants: all of them, with --until all. stopping: those that got the stop signal with the workload, and act on
       * it. unknown: whether there are any of those.
       */
      awaits: 'descendants' | 'unknown' | 'stopping';
      stopping: Stopping;
      /** Stop signals that came while it is unknown: they are for those, or end the grace time. */
      late: readonly Sending[];
    })
  /** init ends the processes that the workload left behind. */
  | (RunEnd & {
      kind: 'terminating';
      survivors: 'unknown' | 'asked' | 'killing';
      /** How much of the grace time had elapsed when the timer last fired. */
      waitedMs: number;
      /** The workload may still run, and is ended like a survivor. */
      workloadRuns: boolean;
    })
  /** --restart waits before the next run. */
  | (Run & { kind: 'backoff'; delayMs: number; status: number })
  | { kind: 'exiting'; status: number }
>;

/** Every state but the last. */
export type Living = Exclude<State, { kind: 'exiting' }>;
/** The states of these kinds. */
export type Of<Kind extends State['kind']> = Extract<State, { kind: Kind }>;

/** 'slow': time to say what init still waits for. */
export type TimerName = 'stop-delay' | 'slow' | 'stop-timeout' | 'kill' | 'input' | 'grace' | 'backoff';

export type Event = Readonly<
  | { kind: 'workload-started'; atMs: number; workload: Pid; program: string }
  /** A restart failed to start the workload. It counts as a failed run. */
  | { kind: 'start-failed'; status: number; message: string }
  | { kind: 'signal'; signal: Signal }
  | {
      kind: 'workload-ended';
      atMs: number;
      workload: Pid;
      how: Ended;
      /** Whether the workload had the terminal: then its signal may come from there. */
      hadTerminal: boolean;
      /** The signals that init has forwarded to this run. */
      forwarded: readonly Signal[];
    }
  | { kind: 'workload-stopped'; signal: Signal }
  /** Something signalled the workload's group: a Ctrl-C, which does not reach init. */
  | { kind: 'terminal-signal'; signal: Signal }
  /** The answer to 'check-terminal'. */
  | { kind: 'terminal-checked'; stoppedBy: Signal; workloadHasIt: boolean }
  /** init had stopped itself, and runs again. */
  | { kind: 'resumed' }
  /** The answer to 'find-stopping'. */
  | { kind: 'stopping-found'; isAny: boolean }
  /** Every child that had ended is reaped, and others are left. */
  | { kind: 'children-left' }
  | { kind: 'no-child-left'; atMs: number }
  /** init may not signal, or cannot see, any of the survivors: it would wait for ever. */
  | { kind: 'survivors-out-of-reach'; why: string; error?: string | undefined }
  | { kind: 'timer'; timer: TimerName }
  /** The process that started init has ended. */
  | { kind: 'owner-ended' }
  /** Nobody can write to standard input any more. */
  | { kind: 'input-ended' }
  /** The owner asks for what SIGKILL cannot do, which would end init alone. */
  | { kind: 'kill-requested' }
  /** An exception in init. */
  | { kind: 'init-failed'; message: string }
  /** wait4(2) is refused, or the kernel does not tell how the workload that it reaped ended. */
  | { kind: 'cannot-wait'; message: string }
>;

/** The events of these kinds. */
export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
export type BondEvent = EventOf<'owner-ended' | 'input-ended' | 'kill-requested'>;

export type Effect = Readonly<
  | { kind: 'start' }
  | { kind: 'forward'; signal: Signal; sent: Signal; scope: LifecycleOptions['scope'] }
  /** It is not forwarded: --rewrite drops it, it only tells of the terminal's hand-over, or there is no workload. */
  | { kind: 'drop'; signal: Signal; why: 'rewritten' | 'handed-over' | 'no-workload' }
  /**
   * Takes note of who gets a stop signal, and acts on it: right before init sends it, or after the terminal has sent it to
   * the workload's group, or perhaps has.
   */
  | {
      kind: 'note-recipients';
      signal: Signal;
      scope: LifecycleOptions['scope'];
      when: 'before' | 'sent' | 'perhaps-sent';
    }
  /** Looks who of them still runs. */
  | { kind: 'find-stopping' }
  /** SIGTERM and SIGCONT to the survivors, or to everybody in the PID namespace; not to those that are stopping. */
  | { kind: 'ask'; everybody: boolean }
  /** One more round of SIGKILL. */
  | { kind: 'kill' }
  /** One signal to what the ended workload has left in its group. */
  | { kind: 'signal-group'; signal: Signal }
  /** SIGKILL to all descendants before init ends at once: nothing will tell that they have ended. */
  | { kind: 'kill-at-once' }
  /** No process is left to ask or to kill. */
  | { kind: 'forget-survivors' }
  /** Whether the kernel reaps from now on, because no status matters any more. */
  | { kind: 'discard-statuses'; discard: boolean }
  /** If the kernel has reaped so far, init does from now on: it has to know when the last process has ended. */
  | { kind: 'take-back' }
  | { kind: 'set-timer'; timer: TimerName; ms: number }
  | { kind: 'clear-timer'; timer: TimerName }
  | { kind: 'give-terminal' }
  | { kind: 'take-terminal' }
  | { kind: 'check-terminal'; stoppedBy: Signal }
  | { kind: 'continue-workload' }
  /** init stops itself alone. */
  | { kind: 'stop-self' }
  /** init stops itself and its job. */
  | { kind: 'suspend' }
  /** Finds out who and why, and says it in one line. */
  | { kind: 'explain'; what: Explained }
  | { kind: 'log'; level: 'fatal' | 'error' | 'warn' | 'info' | 'debug'; message: string; fields?: LogFields }
  | { kind: 'exit'; status: number }
>;

export type LogFields = EventRecord<Signal> | RemarkFields;

interface RemarkFields {
  readonly event?: never;
  readonly stopDelayMs?: number;
  readonly error?: string;
}

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}
