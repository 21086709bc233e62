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
