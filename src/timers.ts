/**
 * The timers and the clock as they are when this is loaded. A test that fakes them later must stop neither the reaping
 * of orphans nor the ending of processes: those are not of the test's making, and know no other time than the kernel's.
 */
export const { setImmediate, setTimeout } = globalThis;

/** Monotonic, in milliseconds. */
export const now: () => number = performance.now.bind(performance);

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
