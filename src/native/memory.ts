import { readFileSync } from 'node:fs';
import { bind } from './addon.ts';
import * as constants from './constants.ts';

const madviseCall = /* @__PURE__ */ bind<[bigint, bigint, number], number>(
  'int madvise(intptr_t, size_t, int)',
);

/**
 * Releases the unchanged file pages that this process has mapped, MADV_DONTNEED of madvise(2): its program and its
 * libraries, most of which only start-up needed. The pages stay in the page cache, for other programs of the same image
 * and for this one: it gets a page back when it touches it. (MADV_PAGEOUT would also drop them from the cache.)
 *
 * The dynamic linker may have changed a page of a mapping that is read-only by now. Such a page would come back without
 * the change, so this skips mappings with anonymous or swapped pages, proc_pid_smaps(5).
 */
export function giveBackFilePages(): void {
  for (const mapping of readFileSync('/proc/self/smaps', 'latin1').split(/\n(?=[0-9a-f]+-)/)) {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +\//.exec(mapping) ?? [];
    if (start === undefined || !/^Anonymous: +0 kB$/m.test(mapping) || !/^Swap: +0 kB$/m.test(mapping))
      continue;
    const address = BigInt(`0x${start}`);
    madviseCall(address, BigInt(`0x${end}`) - address, constants.MADV_DONTNEED);
  }
}
