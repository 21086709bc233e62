import type { InitOptions } from '../../init/options.ts';
import type { Errno, Signal } from '../../native/types.ts';
import type { Messages } from '../../observe/observer.ts';

/** What a call is made of, and what a dialect needs to answer it. */
export interface Call {
  /** The name in usage messages: the base name that it was called by. */
  readonly name: string;
  readonly args: readonly string[];
  /** The dialect's defaults, changed by SUBREAPER_OPTIONS. */
  readonly before: InitOptions;
  /** Whose getopt(3) that program would use here. */
  readonly libc: 'glibc' | 'musl';
  /** Whether POSIXLY_CORRECT is set. */
  readonly isPosixlyCorrect: boolean;
  /** strerror(3) */
  readonly describeErrno: (errno: Errno) => string;
  /** strsignal(3) */
  readonly describeSignal: (signal: Signal) => string;
  /** Writes to standard output or error without blocking. */
  readonly write: (descriptor: 1 | 2, text: string) => boolean;
}

export type Reading =
  /** Wrong usage, help, version or licence. */
  | { readonly kind: 'say'; readonly descriptor: 1 | 2; readonly text: string; readonly status: number }
  | {
      readonly kind: 'run';
      readonly options: InitOptions;
      /** The indexes of the arguments that are the command; none with `pause`. */
      readonly operands: readonly number[];
      readonly messages: Messages;
    };

/** The command line of another program. */
export interface Dialect {
  /** What that program does without options, where it differs from subreaper. */
  readonly defaults: Partial<InitOptions>;
  readonly read: (call: Call) => Reading;
}
