import * as layouts from './layouts.ts';
import type { Signal, SignalSet } from './types.ts';

/** The first real-time signal that a program may use: the C library reserves those below, signal(7). */
export const realTimeMinimum = { glibc: 34, musl: 35 } as const;
/** The last real-time signal, as in the kernel's _NSIG. */
export const realTimeMaximum = 64;

export function signalSet(signals: Iterable<Signal>): SignalSet {
  let set = 0n;
  for (const signal of signals) set |= 1n << BigInt(signal - 1);
  return set as SignalSet;
}

export function inSignalSet(set: SignalSet, signal: Signal): boolean {
  return ((set >> BigInt(signal - 1)) & 1n) === 1n;
}

/** A sigset_t: an array of unsigned long. The kernel uses its first 64 bits. */
export function sigset(set: SignalSet): Buffer {
  const bytes = Buffer.alloc(layouts.sizeofSigset);
  bytes.writeBigUInt64LE(set);
  return bytes;
}
