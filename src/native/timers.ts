import {
  clearTimeout as nodeClearTimeout,
  setImmediate as nodeSetImmediate,
  setTimeout as nodeSetTimeout,
} from 'node:timers';

/**
 * Node's timers as they were when this was loaded, for code that runs in an app. A test that fakes timers later replaces
 * the globals and the functions in node:timers, and must stop neither the reaping of orphans nor the ending of processes,
 * which run on the kernel's time. Timers that were faked before cannot be told from node's.
 */
export const clearTimeout = nodeClearTimeout;
export const setImmediate = nodeSetImmediate;
export const setTimeout = nodeSetTimeout;
/** Some fakes replace this one too. */
export const { nextTick } = process;

/** Monotonic, in milliseconds: the only clock that tests do not fake. */
export function now(): number {
  return process.uptime() * 1000;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
