import type { Signal } from '../native/types.ts';
import { realTimeRange, signalNumber } from './signal-names.ts';

/** No process can catch these: signal(7). */
const uncatchable: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGSTOP'];

/**
 * The kernel raises these for faults. A handler would return to the instruction that failed, and turn a crash of init
 * into an endless loop.
 */
const faults = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGSYS', 'SIGABRT'] as const;

/** The signals that the kernel raises for faults. Catch them only if the main thread blocks them: the kernel then kills it. */
export function faultSignals(): Signal[] {
  return faults.map(signalNumber);
}

/** The signals that init catches and forwards: 21 named ones and the real-time ones. SIGCHLD is init's own. */
export function forwardedSignals(realTime = realTimeRange()): Signal[] {
  const excluded = new Set([...uncatchable, ...faults, 'SIGCHLD' as const].map(signalNumber));
  const all = Array.from({ length: realTime.last }, (_, index) => (index + 1) as Signal);
  // The C library reserves the numbers from 32 to below SIGRTMIN for threads.
  return all.filter((signal) => (signal < 32 || signal >= realTime.first) && !excluded.has(signal));
}
