import type { LogFormat, LogLevel } from '../log/log.ts';

/** The options that say what is told, and where. */
export interface ObserveOptions {
  /** The absolute path of the file for the reason of a bad end; undefined for that of Kubernetes, if it is there. */
  readonly terminationLog: string | undefined;
  /** The absolute path of the file for the report, '-' for standard error. */
  readonly report: string | undefined;
  /** The absolute path of the file for the trace. */
  readonly trace: string | undefined;
  readonly logLevel: LogLevel;
  /** undefined: 'pretty' on a terminal, else 'json'. */
  readonly logFormat: LogFormat | undefined;
}
