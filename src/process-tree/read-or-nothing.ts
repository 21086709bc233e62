import { readFileSync } from 'node:fs';
import { orUndefined } from '../native/attempt.ts';

/** Reads a file of the kernel's: each byte is one character. @returns undefined if it is not there, or not ours to read */
export function readOrNothing(file: string): string | undefined {
  return orUndefined(() => readFileSync(file, 'latin1'));
}
