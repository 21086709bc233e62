import type { SystemError } from '../native/system-error.ts';

/**
 * An error that ends init before the workload runs. The message is one line: what, why, what to do.
 * Exit statuses: 125 init's own failure or wrong usage, 126 found but not runnable, 127 command not found; a dialect has its own.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly status: number;
  /** The error of execve(2) or fork(2), if the command could not be started. */
  readonly systemError: SystemError | undefined;
  /** What init says of it on standard error: a dialect has the words of another program. */
  readonly line: string;

  constructor(status: number, message: string, systemError?: SystemError, line = `subreaper: ${message}\n`) {
    super(message);
    this.status = status;
    this.systemError = systemError;
    this.line = line;
  }
}

/** An error that ends init, as a failure. */
export function asFailure(error: Error): Failure {
  if (error instanceof Failure) return error;
  // node's message has several lines if a module cannot be loaded.
  const [message] = error.message.split('\n') as [string];
  return new Failure(125, `cannot start, ${message}`);
}
