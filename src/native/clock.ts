import { bind } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';

const clockGettime = bind<[number, BigInt64Array], number>('int clock_gettime(int, void *)');
// A typed array, not a Buffer: the first use of a Buffer's methods costs start-up 0.1 ms.
const timespec = new BigInt64Array(layouts.sizeofTimespec / 8);

/**
 * Milliseconds since boot, suspended time included: CLOCK_BOOTTIME of clock_gettime(2), the clock of the start times in
 * /proc. Some container engines replace /proc/uptime with a file of their own.
 */
export function sinceBootMs(): number {
  clockGettime(constants.CLOCK_BOOTTIME, timespec);
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}
