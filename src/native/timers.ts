import { setImmediate as nodeSetImmediate, setTimeout as nodeSetTimeout } from 'node:timers';

/**
 * The timers as they are when this is loaded, and not the globals: a test that fakes those must stop neither the
 * reaping of orphans nor the ending of processes, which know no other time than the kernel's.
 */
export const setImmediate = nodeSetImmediate;
export const setTimeout = nodeSetTimeout;

/** Monotonic, in milliseconds: the one clock that nobody fakes. */
export function now(): number {
  return process.uptime() * 1000;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
