import { readFileSync } from 'node:fs';

/** Reads a file of the kernel's: each byte is one character. @returns undefined if it is not there, or not ours to read */
export function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
