import type { LogFormat, LogLevel } from '../log/levels.ts';
import type { Signal } from '../native/types.ts';

export type RestartPolicy =
  | { readonly kind: 'no' }
  | { readonly kind: 'always' }
  /** `limit`: how many restarts in a row. */
  | { readonly kind: 'on-failure'; readonly limit: number };

/** What init can be told. The option table of the command line holds a default and a parser for each. */
export interface InitOptions {
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
  readonly stopDelayMs: number;
  readonly stopTimeoutMs: number | undefined;
  readonly restart: RestartPolicy;
  /** Run no workload. */
  readonly pause: boolean;
  /** What the kernel is to send init when its parent dies. */
  readonly parentDeathSignal: Signal | undefined;
  /** End the tree when the process that started init ends. */
  readonly untilOwner: boolean;
  /** End the tree when standard input does: nobody can write to it any more. */
  readonly untilStdinCloses: boolean;
  /** The absolute path of the file for the reason of a bad end; undefined for that of Kubernetes, if it is there. */
  readonly terminationLog: string | undefined;
  /** The absolute path of the file for the report, '-' for standard error. */
  readonly report: string | undefined;
  /** The absolute path of the file for the trace. */
  readonly trace: string | undefined;
  /** What the workload leads: a process group; a session, which takes init's terminal; nothing, it is in init's group. */
  readonly leads: 'group' | 'session' | 'nothing';
  /** Whether init becomes a subreaper if it is not PID 1. */
  readonly subreaper: boolean;
  /** Whether init also catches and forwards the signals that the kernel raises for faults. */
  readonly catchFaults: boolean;
  /** init stops itself after it has forwarded one of these. */
  readonly suspendOn: readonly Signal[];
  /** What init does with survivors: it ends them; it sends the workload's group one SIGTERM, rewritten; it leaves them alone. */
  readonly survivors: 'end' | 'signal' | 'leave';
  readonly logLevel: LogLevel;
  /** undefined: 'pretty' on a terminal, else 'json'. */
  readonly logFormat: LogFormat | undefined;
}
