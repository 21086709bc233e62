import { closeSync, openSync } from 'node:fs';
import { orUndefined } from '../native/attempt.ts';

/** How many want a descriptor in reserve. */
let keepers = 0;
let reserve: number | undefined;

/**
 * Holds a descriptor in reserve: an app that has none left is likely to be one that must end a tree now.
 * @returns a function that gives it back, to be called once
 */
export function keepReserve(): () => void {
  keepers++;
  fill();
  return () => {
    if (--keepers > 0 || reserve === undefined) return;
    closeSync(reserve);
    reserve = undefined;
  };
}

/** Runs something that opens a descriptor and closes it again. Where none is left, it takes the one in reserve, if any. */
export function withReserve<Result>(use: () => Result): Result {
  fill();
  try {
    return use();
  } catch (error) {
    if (reserve === undefined || !isShortage(error)) throw error;
  }
  closeSync(reserve);
  reserve = undefined;
  try {
    return use();
  } finally {
    // Only a thread of node's may have been faster. The next use tries again.
    fill();
  }
}

function fill(): void {
  if (keepers === 0 || reserve !== undefined) return;
  // None may be left even for that.
  reserve = orUndefined(() => openSync('/', 'r'));
}

/** Whether a call failed for want of descriptors or memory: a moment later it may succeed. */
export function isShortage(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}
