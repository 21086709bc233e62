import { closeSync, openSync, readSync } from 'node:fs';
import { bind, koffi } from './addon.ts';
import { attempt } from './attempt.ts';
import * as constants from './constants.ts';

const madviseCall = bind<[bigint, bigint, number], number>('int madvise(intptr_t, size_t, int)');

interface Range {
  readonly address: bigint;
  readonly size: bigint;
}

/** Gives back what V8 has freed after compiling, malloc_trim(3). */
const mallocTrimCall = bind<[number], number>('int malloc_trim(size_t)');
const getpagesizeCall = bind<[], number>('int getpagesize()');

const unused: Uint8Array[] = [];

/** Has `giveBackStartMemory` release these bytes too. Nothing may read them after that. */
export function neverReadAgain(bytes: Uint8Array): void {
  unused.push(bytes);
}

/**
 * Releases what only the start has needed, MADV_DONTNEED of madvise(2): memory that is never read again, and the unchanged
 * file pages that this process has mapped, most of its program and its libraries. Those stay in the page cache, for other
 * programs of the same image and for this one: it gets a page back when it touches it. (MADV_PAGEOUT would also drop them
 * from the cache.)
 *
 * It does so a moment later: its own reading may fill the young generation of the heap, and collecting that touches 3 MB.
 */
export function giveBackStartMemory(): void {
  // musl has none: it gives back by itself.
  attempt(() => void mallocTrimCall(0));
  const smaps = readSmaps();
  neverReadAgain(smaps);
  const ranges = [...unchangedFileMappings(smaps), ...unused.map(wholePages)];
  // Last of all: what runs after it brings its pages back, 3 MB for the first call of a function.
  setImmediate(() => {
    for (const { address, size } of ranges)
      if (size > 0n) madviseCall(address, size, constants.MADV_DONTNEED);
  });
}

/** A freed buffer would stay until V8 collects, which it never does while init has nothing to do. */
function wholePages(bytes: Uint8Array): Range {
  const page = BigInt(getpagesizeCall());
  const start = BigInt(koffi().address(bytes));
  const address = ((start + page - 1n) / page) * page;
  return { address, size: ((start + BigInt(bytes.length)) / page) * page - address };
}

/**
 * The dynamic linker may have changed a page of a mapping that is read-only by now. Such a page would come back without
 * the change, so this skips mappings with anonymous or swapped pages, proc_pid_smaps(5). Without a resident page a mapping
 * has nothing to give back; or nobody counts: qemu-user says 0 of each.
 * @param smaps the text of /proc/self/smaps, or its beginning
 */
export function unchangedFileMappings(smaps: Buffer): Range[] {
  const ranges: Range[] = [];
  let header = 0;
  /** How many of the three values have been seen, and are right: a kernel may show fewer. */
  let good = 0;
  let isCandidate = false;
  for (let line = 0, next = 0; ; line = next) {
    next = indexOf(smaps, '\n', line) + 1;
    if (next === 0) return ranges;
    if (!startsWithCapital(smaps, line)) {
      header = line;
      isCandidate = isReadOnlyFile(smaps, header, next);
      good = 0;
    } else if (!isCandidate) continue;
    else if (startsWith(smaps, line, 'Rss:')) good += saysZero(smaps, next) ? 0 : 1;
    else if (startsWith(smaps, line, 'Anonymous:')) good += saysZero(smaps, next) ? 1 : 0;
    else if (startsWith(smaps, line, 'Swap:')) good += saysZero(smaps, next) ? 1 : 0;
    // The last line of a mapping.
    else if (startsWith(smaps, line, 'VmFlags:') && good === 3) ranges.push(rangeOf(smaps, header));
  }
}

/** A line that names a value, and not the first one of a mapping, which begins with its address. */
function startsWithCapital(text: Buffer, line: number): boolean {
  const first = text[line] as number;
  return 'A'.charCodeAt(0) <= first && first <= 'Z'.charCodeAt(0);
}

/** Whether it is a file, and "r-xp" or "r--p". */
function isReadOnlyFile(smaps: Buffer, header: number, end: number): boolean {
  const permissions = indexOf(smaps, ' ', header) + 1;
  const path = indexOf(smaps, '/', permissions);
  const isPrivate = smaps[permissions + 3] === 'p'.charCodeAt(0);
  return startsWith(smaps, permissions, 'r-') && isPrivate && path !== -1 && path < end;
}

function rangeOf(smaps: Buffer, header: number): Range {
  const [from, to] = smaps.toString('latin1', header, indexOf(smaps, ' ', header)).split('-');
  const address = BigInt(`0x${from}`);
  return { address, size: BigInt(`0x${to}`) - address };
}

/** Whether the line before this position is like "Swap:   0 kB". */
function saysZero(smaps: Buffer, next: number): boolean {
  return startsWith(smaps, next - ' 0 kB\n'.length, ' 0 kB');
}

// Buffer's own methods leave some bytes to collect in each call, and there are some 9000 lines.
function indexOf(text: Buffer, character: string, from: number): number {
  return Uint8Array.prototype.indexOf.call(text, character.charCodeAt(0), from);
}

function startsWith(text: Buffer, position: number, prefix: string): boolean {
  for (let index = 0; index < prefix.length; index++)
    if (text[position + index] !== prefix.charCodeAt(index)) return false;
  return true;
}

/** At most 256 KiB of it: some 350 mappings. */
function readSmaps(): Buffer {
  // readFileSync would make a buffer for each 64 KiB, and one for all.
  const text = Buffer.allocUnsafeSlow(1 << 18);
  const descriptor = openSync('/proc/self/smaps', 'r');
  try {
    let length = 0;
    for (let size = 1; size > 0 && length < text.length; length += size)
      size = readSync(descriptor, text, length, text.length - length, null);
    return text.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}
