import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In a node that runs the script that it gets, 0 stands behind it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
/** The largest of any machine that node runs on. */
const PAGE_SIZE = 65_536;

/** Of an ELF file of 64 bits, elf(5). */
const PT_LOAD = 1;
const PT_NOTE = 4;
const PT_GNU_RELRO = 0x6474e552;
const PF_R = 4;

/** false if most of this node is in a shared library, as some distributions have it. */
export function canBecomeSingleExecutable(): boolean {
  return readFileSync(process.execPath).includes(`${FUSE}0`);
}

/**
 * Builds a single executable application as node's documentation says, but without postject, which it takes for this.
 * @returns the file, in the folder
 */
export function buildSingleExecutable(script: string, folder: string): string {
  const path = (name: string) => join(folder, name);
  const [main, output, file] = [path('main.cjs'), path('main.blob'), path('app')];
  mkdirSync(folder, { recursive: true });
  writeFileSync(main, script);
  writeFileSync(path('sea.json'), JSON.stringify({ main, output, disableExperimentalSEAWarning: true }));
  execFileSync(process.execPath, ['--experimental-sea-config', path('sea.json')], { stdio: 'pipe' });
  const program = readFileSync(process.execPath);
  program.write('1', program.indexOf(FUSE) + FUSE.length);
  writeFileSync(file, withNote(program, 'NODE_SEA_BLOB', readFileSync(output)), { mode: 0o755 });
  return file;
}

/**
 * Appends a note, and has the kernel map it. For that it takes two program headers that a program can do without: the notes
 * about its build, and what the dynamic linker makes read-only.
 */
function withNote(program: Buffer, name: string, content: Buffer): Buffer {
  const contentAt = 12 + roundUp(name.length + 1, 4);
  const note = Buffer.alloc(contentAt + roundUp(content.length, 4));
  note.writeUInt32LE(name.length + 1, 0);
  note.writeUInt32LE(content.length, 4);
  note.write(name, 12);
  content.copy(note, contentAt);

  const headers = Array.from({ length: program.readUInt16LE(56) }, (_, index) => {
    const at = Number(program.readBigUInt64LE(32)) + index * program.readUInt16LE(54);
    const end = program.readBigUInt64LE(at + 16) + program.readBigUInt64LE(at + 40);
    return { at, type: program.readUInt32LE(at), end: Number(end) };
  });
  const offset = roundUp(program.length, PAGE_SIZE);
  const address = roundUp(Math.max(...headers.map(({ end }) => end)), PAGE_SIZE);
  function replaceHeader(replaced: number, type: number): void {
    const header = headers.find((candidate) => candidate.type === replaced);
    if (header === undefined) throw new Error(`node has no program header of type ${replaced}`);
    program.writeUInt32LE(type, header.at);
    program.writeUInt32LE(PF_R, header.at + 4);
    const fields = [offset, address, address, note.length, note.length, PAGE_SIZE];
    for (const [index, field] of fields.entries()) {
      program.writeBigUInt64LE(BigInt(field), header.at + 8 + index * 8);
    }
  }
  replaceHeader(PT_NOTE, PT_NOTE);
  replaceHeader(PT_GNU_RELRO, PT_LOAD);
  return Buffer.concat([program, Buffer.alloc(offset - program.length), note]);
}

function roundUp(size: number, to: number): number {
  return Math.ceil(size / to) * to;
}
