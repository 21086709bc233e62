import { getSystemErrorName } from 'node:util';
import { koffi } from './addon.ts';
import type { Errno } from './types.ts';

/** A system call that failed. `code` is the symbolic name of errno(3), `errno` its positive number. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: Errno;
  readonly syscall: string;

  constructor(syscall: string, errno: Errno) {
    const code = getSystemErrorName(-errno);
    super(`${syscall} failed: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The SystemError of a call that has just returned -1. */
export function lastError(syscall: string): SystemError {
  return new SystemError(syscall, koffi().errno() as Errno);
}

/** Throws the SystemError of a call that returned -1; passes any other result on. */
export function checked(syscall: string, result: number): number {
  if (result === -1) throw lastError(syscall);
  return result;
}
