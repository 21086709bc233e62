import { closeSync, openSync, readSync } from 'node:fs';

let detected: 'glibc' | 'musl' | undefined;

/** The C library that the running node is linked to. */
export function detectLibc(): 'glibc' | 'musl' {
  detected ??= libcOf(process.execPath) ?? reportedLibc();
  return detected;
}

/**
 * The C library of a program: that of its ELF interpreter, which koffi looks at too. Linkers put the interpreter's path into
 * the first page, patchelf and LIEF behind everything else.
 * @returns undefined if the file cannot be read, or names none
 */
export function libcOf(program: string): 'glibc' | 'musl' | undefined {
  let file: number;
  try {
    file = openSync(program, 'r');
  } catch {
    return undefined;
  }
  try {
    const page = Buffer.alloc(4096);
    readSync(file, page);
    const position = interpreterOffset(page);
    if (position === undefined) return undefined;
    readSync(file, page.fill(0), { position });
    const path = page.toString('latin1', 0, page.indexOf(0));
    if (!path.startsWith('/')) return undefined;
    return path.includes('/ld-musl-') ? 'musl' : 'glibc';
  } catch {
    // The file is damaged: it points outside of what can be read.
    return undefined;
  } finally {
    closeSync(file);
  }
}

const ELF64_LITTLE_ENDIAN = '\x7fELF\x02\x01';
const PT_INTERP = 3;

/** Where a program names its interpreter, elf(5). @throws RangeError if its headers are not in the first page */
function interpreterOffset(firstPage: Buffer): number | undefined {
  if (firstPage.toString('latin1', 0, ELF64_LITTLE_ENDIAN.length) !== ELF64_LITTLE_ENDIAN) return undefined;
  const e_phoff = Number(firstPage.readBigUInt64LE(32));
  const e_phentsize = firstPage.readUInt16LE(54);
  const e_phnum = firstPage.readUInt16LE(56);
  for (let index = 0; index < e_phnum; index++) {
    const header = e_phoff + index * e_phentsize;
    const p_type = firstPage.readUInt32LE(header);
    if (p_type === PT_INTERP) return Number(firstPage.readBigUInt64LE(header + 8));
  }
  return undefined;
}

/** Slow, and right for any node. */
function reportedLibc(): 'glibc' | 'musl' {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
