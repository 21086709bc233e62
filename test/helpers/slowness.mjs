import { availableParallelism, loadavg } from 'node:os';

/**
 * How many processes want each processor, at least 1. Deadlines grow with it: a test must not fail because the machine has
 * other work.
 * @returns {number}
 */
export function slowness() {
  const [lastMinute = 0] = loadavg();
  return Math.max(1, lastMinute / availableParallelism());
}

/**
 * How long a test or hook may take, in ms: for what hangs. No test may fail because a machine is slow; and what hangs must be
 * told before the whole run is ended from outside.
 */
export const hangMs = Math.min(240_000 * slowness(), 1_200_000);
