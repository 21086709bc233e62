/**
 * What happened, as init logs it, and as an app that is its own init publishes it on node:diagnostics_channel. The names of
 * the events and of their fields are stable: docs/events.md has them in a table. Fields with a dot are terms of
 * OpenTelemetry's process conventions, in their units.
 */

/** @template S a signal: its name, or its number until it is logged */
export type EventRecord<S = string> =
  | StartedEvent
  /** The workload has ended. */
  | ({ readonly event: 'ended'; readonly 'process.pid': number } & End<S>)
  /** A signal has come. */
  | {
      readonly event: 'signal';
      readonly signal: S;
      /** What was sent in its place: --rewrite. Missing if init dropped it. */
      readonly sent?: S | undefined;
      /** How many processes init may not signal. */
      readonly refused?: number;
      /** What failed. */
      readonly error?: string;
    }
  /** A stop signal has come. `sent` will be sent in its place: --rewrite. */
  | { readonly event: 'stop'; readonly signal: S; readonly sent: S }
  | OrphanEvent
  /** The workload has ended and left processes, which init waits for or asks to end. As in KillEvent. */
  | { readonly event: 'survivor'; readonly processes?: number | undefined }
  | KillEvent
  /**
   * The workload will be started again. `status`: the exit status of its last run, 128 + N for signal N, after
   * --remap-exit.
   */
  | { readonly event: 'restart'; readonly status: number; readonly delayMs: number }
  | ExitEvent;

/** The workload runs. In an app: the app is its own init from now on. */
export interface StartedEvent {
  readonly event: 'started';
  readonly 'process.pid': number;
  readonly 'process.executable.name': string;
}

/** How a process ended: one of the two. */
interface End<S> {
  readonly 'process.exit.code'?: number | undefined;
  /** The signal that ended it. */
  readonly signal?: S | undefined;
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

/** The remaining processes get SIGKILL. */
export interface KillEvent {
  readonly event: 'kill';
  /** undefined if /proc cannot be read. */
  readonly processes?: number | undefined;
}

/** init ends. In an app: a signal that the app does not listen for ends it. */
export interface ExitEvent {
  readonly event: 'exit';
  readonly 'process.exit.code': number;
  /** In an app. */
  readonly signal?: string;
}
