import { setImmediate as nodeSetImmediate, setTimeout as nodeSetTimeout } from 'node:timers';

/**
 * Node's timers as they were when this was loaded, not the globals: a test that fakes the globals must not stop the
 * reaping of orphans or the ending of processes, which run on the kernel's time.
 */
export const setImmediate = nodeSetImmediate;
export const setTimeout = nodeSetTimeout;

/** Monotonic, in milliseconds: the only clock that tests do not fake. */
export function now(): number {
  return process.uptime() * 1000;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
