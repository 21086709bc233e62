import type { SystemError } from '../native/system-error.ts';

/**
 * An error that ends init before the workload runs. The message is one line: what, why, what to do.
 * Exit statuses: 125 init's own failure or wrong usage, 126 found but not runnable, 127 command not found.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly status: 125 | 126 | 127;
  /** The error of execve(2) or fork(2), if the command could not be started. */
  readonly systemError: SystemError | undefined;

  constructor(status: 125 | 126 | 127, message: string, systemError?: SystemError) {
    super(message);
    this.status = status;
    this.systemError = systemError;
  }
}

/** The same in the words, and with the exit status, of another program. */
export class ForeignFailure extends Error {
  override readonly name = 'ForeignFailure';
  readonly status: number;

  constructor(status: number, line: string) {
    super(line);
    this.status = status;
  }
}

/** The exit status of an error that ends init. */
export function statusOf(error: Error): number {
  return error instanceof Failure || error instanceof ForeignFailure ? error.status : 125;
}

/** The error in one line. */
export function reasonOf(error: Error): string {
  // node's message has several lines if a module cannot be loaded.
  const [message] = error.message.split('\n') as [string];
  const isKnown = error instanceof Failure || error instanceof ForeignFailure;
  return isKnown ? message : `cannot start, ${message}`;
}

/** "ENOENT: no such file or directory": node's words for a system call's error, without the path that follows them. */
export function withoutPath({ code, message }: NodeJS.ErrnoException): string | undefined {
  return /^E[A-Z0-9]+: [^,]+/.exec(message)?.[0] ?? code;
}

/** What init says of it on standard error. */
export function lineOf(error: Error): string {
  return error instanceof ForeignFailure ? error.message : `subreaper: ${reasonOf(error)}\n`;
}

/** Quotes text from outside for a line on a terminal: escapes control characters. */
export function quoted(text: string): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\t': '\\t' };
  const escaped = (control: string) =>
    escapes[control] ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `'${text.replace(/\p{Cc}/gu, escaped)}'`;
}
