/**
 * What happened, as init logs it, and as an app that is its own init publishes it on node:diagnostics_channel. The names of
 * the events and of their fields are stable: docs/events.md has them in a table. Fields with a dot are terms of
 * OpenTelemetry's process conventions, in their units.
 */

/** @template S a signal: its name, or its number until it is logged */
export type EventRecord<S = string> =
  | StartedEvent
  | EndedEvent<S>
  | SignalEvent<S>
  | StopEvent<S>
  | OrphanEvent
  | SurvivorEvent
  | KillEvent
  | RestartEvent
  | ExitEvent;

/** The workload runs. In an app: the app is its own init from now on. */
export interface StartedEvent {
  readonly event: 'started';
  readonly 'process.pid': number;
  readonly 'process.executable.name': string;
}

/** The workload has ended. */
interface EndedEvent<S = string> extends End<S> {
  readonly event: 'ended';
  readonly 'process.pid': number;
}

/** How a process ended: one of the two. */
interface End<S> {
  readonly 'process.exit.code'?: number | undefined;
  /** The signal that ended it. */
  readonly signal?: S | undefined;
}

/** A signal has come. `sent` is missing if init dropped it; `error` or `refused` says what failed. */
interface SignalEvent<S = string> {
  readonly event: 'signal';
  readonly signal: S;
  /** What was sent in its place: --rewrite. */
  readonly sent?: S | undefined;
  /** How many processes init may not signal. */
  readonly refused?: number;
  readonly error?: string;
}

/** A stop signal has come. */
interface StopEvent<S = string> {
  readonly event: 'stop';
  readonly signal: S;
  /** What will be sent in its place: --rewrite. */
  readonly sent: S;
}

/** An orphan has been reaped. */
export interface OrphanEvent extends End<string> {
  readonly event: 'orphan';
  readonly 'process.pid': number;
  /** At most 15 bytes; undefined without /proc. */
  readonly 'process.executable.name'?: string | undefined;
  /** In seconds, from its start until it was reaped, to within 0.01; undefined without /proc. */
  readonly 'process.uptime'?: number | undefined;
  /** In seconds, of the process and of the children that it waited for. */
  readonly 'process.cpu.time': number;
  /** The largest resident set among them, in KiB. */
  readonly maxRssKib: number;
}

/** The workload has ended and left processes, which init waits for or asks to end. */
interface SurvivorEvent {
  readonly event: 'survivor';
  /** undefined if /proc cannot be read. */
  readonly processes?: number | undefined;
}

/** SIGKILL comes for what is left. */
export interface KillEvent {
  readonly event: 'kill';
  /** undefined if /proc cannot be read. */
  readonly processes?: number | undefined;
}

/** The workload will be started again. */
interface RestartEvent {
  readonly event: 'restart';
  /** The exit status of its last run: 128 + N for signal N, after --remap-exit. */
  readonly status: number;
  readonly delayMs: number;
}

/** init ends. In an app: a signal that the app does not listen to ends it. */
export interface ExitEvent {
  readonly event: 'exit';
  readonly 'process.exit.code': number;
  /** In an app. */
  readonly signal?: string;
}
