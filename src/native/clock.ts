import { bind } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';

const clockGettime = /* @__PURE__ */ bind<[number, Buffer], number>('clock_gettime', 'int', [
  'int',
  'void *',
]);
const timespec = Buffer.alloc(layouts.sizeofTimespec);

/**
 * Milliseconds since boot, suspended time included: CLOCK_BOOTTIME of clock_gettime(2), the clock of the start times in
 * /proc. Some container engines replace /proc/uptime with a file of their own.
 */
export function sinceBootMs(): number {
  clockGettime(constants.CLOCK_BOOTTIME, timespec);
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
}
