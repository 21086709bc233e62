import type { EventRecord } from '../../events/events.ts';
import type { Explained } from '../../explain/explained.ts';
import type { Pid, Signal } from '../../native/types.ts';
import type { Ended } from '../../reaper/wait-status.ts';
import type { InitOptions } from '../options.ts';

/** What the lifecycle is made of: its states, the events that it gets, the effects that it asks for. */

/** What the lifecycle needs to know: the options, and where it runs. */
export interface Policy {
  readonly options: InitOptions;
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

/** The progress of a stop signal. */
type Stopping =
  | { readonly kind: 'no' }
  /** --stop-delay holds it. */
  | { readonly kind: 'held'; readonly signal: Signal; readonly sent: Signal }
  /** It was forwarded. `waitedMs` is how long ago, at the last timer. */
  | { readonly kind: 'forwarded'; readonly waitedMs: number }
  /** Standard input has ended. The workload sees that too, and has --grace to end by itself. */
  | { readonly kind: 'input-ended' }
  /** --stop-timeout has expired: every process gets SIGKILL. */
  | { readonly kind: 'killing' };

export interface Run {
  /** The first stop signal. Nothing is started after it. */
  readonly stoppedBy: Signal | undefined;
  /** The number of restarts in a row. */
  readonly restarts: number;
}

/** A run that is over, or that init ends. */
export interface RunEnd extends Run {
  readonly status: number;
  readonly runMs: number;
  /** init itself has failed: the workload's status does not matter any more. */
  readonly hasFailed: boolean;
}

export type State =
  /** The workload is being started. Signals are held until it runs. */
  | (Run & { readonly kind: 'starting'; readonly held: readonly Signal[] })
  | (Run & {
      readonly kind: 'running';
      readonly startedAtMs: number;
      readonly stopping: Stopping;
      /** The signal that stopped the workload, while init has stopped itself too: Ctrl-Z. */
      readonly suspendedBy: Signal | undefined;
      /** What the terminal has sent to the workload's group: Ctrl-C. */
      readonly interruptedBy: Signal | undefined;
      /** The signals of the terminal's hand-over that have not come yet. */
      readonly handOffSignals: readonly Signal[];
    })
  /** --pause: no workload; init waits for a stop signal. */
  | (Run & { readonly kind: 'pausing' })
  /** The workload has ended, and --until all waits for its descendants. */
  | (Run & {
      readonly kind: 'draining';
      readonly startedAtMs: number;
      readonly status: number;
      readonly stopping: Stopping;
    })
  /** init ends the processes that the workload left behind. */
  | (RunEnd & {
      readonly kind: 'terminating';
      readonly survivors: 'unknown' | 'asked' | 'killing';
      /** How much of the grace time had passed at the last timer. */
      readonly waitedMs: number;
      /** The workload may still run, and is ended like a survivor. */
      readonly workloadRuns: boolean;
    })
  /** --restart waits before the next run. */
  | (Run & { readonly kind: 'backoff'; readonly delayMs: number; readonly status: number })
  | { readonly kind: 'exiting'; readonly status: number };

/** Every state but the last. */
export type Living = Exclude<State, { kind: 'exiting' }>;
/** The states of these kinds. */
export type Of<Kind extends State['kind']> = Extract<State, { kind: Kind }>;

/** 'slow': time to say what init still waits for. */
export type TimerName = 'stop-delay' | 'slow' | 'stop-timeout' | 'input' | 'grace' | 'backoff';

export type Event =
  | {
      readonly kind: 'workload-started';
      readonly atMs: number;
      readonly workload: Pid;
      readonly program: string;
    }
  /** A restart failed to start the workload. It counts as a failed run. */
  | {
      readonly kind: 'start-failed';
      readonly atMs: number;
      readonly status: number;
      readonly message: string;
    }
  | { readonly kind: 'signal'; readonly signal: Signal }
  | {
      readonly kind: 'workload-ended';
      readonly atMs: number;
      readonly workload: Pid;
      readonly how: Ended;
      /** Whether the workload had the terminal: then its signal may come from there. */
      readonly hadTerminal: boolean;
      /** The signals that init has forwarded to this run. */
      readonly forwarded: readonly Signal[];
    }
  | { readonly kind: 'workload-stopped'; readonly signal: Signal }
  /** Something signalled the workload's group: a Ctrl-C, which does not reach init. */
  | { readonly kind: 'terminal-signal'; readonly signal: Signal }
  /** The answer to 'check-terminal'. */
  | { readonly kind: 'terminal-checked'; readonly stoppedBy: Signal; readonly workloadHasIt: boolean }
  /** init had stopped itself, and runs again. */
  | { readonly kind: 'resumed' }
  /** Every child that had ended is reaped, and others are left. */
  | { readonly kind: 'children-left' }
  | { readonly kind: 'no-child-left'; readonly atMs: number }
  /** init may not signal, or cannot see, any of the survivors: it would wait for ever. */
  | { readonly kind: 'survivors-out-of-reach'; readonly why: string; readonly error?: string | undefined }
  | { readonly kind: 'timer'; readonly timer: TimerName }
  /** The process that started init has ended. */
  | { readonly kind: 'owner-ended' }
  /** Nobody can write to standard input any more. */
  | { readonly kind: 'input-ended' }
  /** The owner asks for what SIGKILL cannot do, which would end init alone. */
  | { readonly kind: 'kill-requested' }
  /** An exception in init. */
  | { readonly kind: 'init-failed'; readonly message: string }
  /** wait4(2) is refused, or the kernel does not tell how the workload that it reaped ended. */
  | { readonly kind: 'cannot-wait'; readonly message: string };

/** The events of these kinds. */
export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
export type BondEvent = EventOf<'owner-ended' | 'input-ended' | 'kill-requested'>;

export type Effect =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'forward';
      readonly signal: Signal;
      readonly sent: Signal;
      readonly scope: InitOptions['scope'];
    }
  /** SIGTERM and SIGCONT to the survivors, or to everybody in the PID namespace. */
  | { readonly kind: 'ask'; readonly everybody: boolean }
  /** One more round of SIGKILL. */
  | { readonly kind: 'kill'; readonly everybody: boolean }
  /** One signal to what the ended workload has left in its group. */
  | { readonly kind: 'signal-group'; readonly signal: Signal }
  /** SIGKILL to all descendants before init ends at once: nothing will tell that they have ended. */
  | { readonly kind: 'kill-at-once' }
  /** No process is left to ask or to kill. */
  | { readonly kind: 'forget-survivors' }
  /** Whether the kernel reaps from now on, because no status matters any more. */
  | { readonly kind: 'discard-statuses'; readonly discard: boolean }
  /** If the kernel has reaped so far, init does from now on: it has to know when the last process has ended. */
  | { readonly kind: 'take-back' }
  | { readonly kind: 'set-timer'; readonly timer: TimerName; readonly ms: number }
  | { readonly kind: 'clear-timer'; readonly timer: TimerName }
  | { readonly kind: 'give-terminal' }
  | { readonly kind: 'take-terminal' }
  | { readonly kind: 'check-terminal'; readonly stoppedBy: Signal }
  | { readonly kind: 'continue-workload' }
  /** init stops itself alone. */
  | { readonly kind: 'stop-self' }
  /** init stops itself and its job. */
  | { readonly kind: 'suspend' }
  /** Finds out who and why, and says it in one line. */
  | { readonly kind: 'explain'; readonly what: Explained }
  | {
      readonly kind: 'log';
      readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug';
      readonly message: string;
      readonly fields?: LogFields;
    }
  | { readonly kind: 'exit'; readonly status: number };

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

/** The messages for a signal that is rewritten to none. */
export const droppedMessages = { stop: 'stop signal dropped', other: 'signal dropped' } as const;
/** The message for a signal that only tells of the terminal's hand-over. */
export const HAND_OFF = 'signal of the handed-over terminal dropped';
