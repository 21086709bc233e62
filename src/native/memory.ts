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
 * It does so a moment later: its own reading may fill the young generation of the heap, and collecting that touches 3 MB.
 */
export function giveBackFilePages(): void {
  const mappings = unchangedFileMappings();
  setImmediate(() => {
    for (const { address, size } of mappings) madviseCall(address, size, constants.MADV_DONTNEED);
  });
}

/**
 * The dynamic linker may have changed a page of a mapping that is read-only by now. Such a page would come back without
 * the change, so this skips mappings with anonymous or swapped pages, proc_pid_smaps(5).
 */
function unchangedFileMappings(): { readonly address: bigint; readonly size: bigint }[] {
  return readFileSync('/proc/self/smaps', 'latin1')
    .split(/\n(?=[0-9a-f]+-)/)
    .flatMap((mapping) => {
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +\//.exec(mapping) ?? [];
      if (start === undefined || !/^Anonymous: +0 kB$/m.test(mapping) || !/^Swap: +0 kB$/m.test(mapping))
        return [];
      const address = BigInt(`0x${start}`);
      return [{ address, size: BigInt(`0x${end}`) - address }];
    });
}
