import { readFileSync } from 'node:fs';
import { bind } from './addon.ts';
import * as constants from './constants.ts';

const madviseCall = /* @__PURE__ */ bind<[bigint, bigint, number], number>('madvise', 'int', [
  'intptr_t',
  'size_t',
  'int',
]);

/**
 * Lets go of the pages of files that this process has mapped and not changed: its program and its libraries, most of
 * which only start-up needed. They stay in the page cache, for the next program of the same image and for this one,
 * which gets back what it touches, a few at a time: MADV_DONTNEED of madvise(2). (MADV_PAGEOUT would take them from
 * the cache as well.)
 *
 * Where the dynamic linker has changed a page of a mapping that is read-only now, that page would come back as the
 * file has it: a mapping with anonymous pages, or one that is swapped, is left alone, proc_pid_smaps(5).
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
