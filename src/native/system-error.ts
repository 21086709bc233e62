import { bind, lastErrno } from './addon.ts';
import type { Errno } from './types.ts';

/** The symbolic name of an error number. node:os is loaded only here: start-up without an error does not need it. */
function errnoName(errno: Errno): string {
  const { constants } = process.getBuiltinModule('node:os');
  const entry = Object.entries(constants.errno).find(([, number]) => number === errno);
  return entry === undefined ? `errno ${errno}` : entry[0];
}

/** What the C library says of an error number, in its words: strerror(3). */
export const describeErrno = bind<[Errno], string>('str strerror(int)');

/** A system call that failed. `code` is the symbolic name of errno(3), `errno` its positive number. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: Errno;
  readonly syscall: string;

  constructor(syscall: string, errno: Errno) {
    const code = errnoName(errno);
    super(`${syscall} failed: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The SystemError of a call that has just returned -1. */
export function lastError(syscall: string): SystemError {
  return new SystemError(syscall, lastErrno() as Errno);
}

/** Throws the SystemError of a call that returned -1; returns any other result. */
export function checked(syscall: string, result: number): number {
  if (result === -1) throw lastError(syscall);
  return result;
}

/** Throws the SystemError of a libuv call that returned a negated error number. */
export function uvChecked(name: string, result: number): void {
  if (result < 0) throw new SystemError(name, -result as Errno);
}
