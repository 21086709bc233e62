import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { detectLibc, libcOf } from '../../src/native/libc.ts';
import { needs } from '../helpers/needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'subreaper-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Program {
  /** Where the program headers are, e_phoff. */
  readonly headersAt?: number;
  /** Where the path of the interpreter is. */
  readonly pathAt?: number;
  readonly interpreter?: string;
  /** What is wrong with it. */
  readonly damage?: (file: Buffer) => Buffer;
}

/** A program as elf(5) has it, of which nothing can run. @returns its path */
function program({
  headersAt = 64,
  pathAt = 0x238,
  interpreter = '/lib/ld-musl-x86_64.so.1',
  damage = (file) => file,
}: Program): string {
  const entrySize = 56;
  // PT_PHDR, PT_INTERP and PT_LOAD, as linkers order them.
  const types = [6, 3, 1];
  const file = Buffer.alloc(Math.max(headersAt + types.length * entrySize, pathAt + interpreter.length + 1));
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeBigUInt64LE(BigInt(headersAt), 32);
  file.writeUInt16LE(entrySize, 54);
  file.writeUInt16LE(types.length, 56);
  types.forEach((type, index) => {
    file.writeUInt32LE(type, headersAt + index * entrySize);
    file.writeBigUInt64LE(BigInt(type === 3 ? pathAt : 0), headersAt + index * entrySize + 8);
  });
  file.write(interpreter, pathAt, 'latin1');
  const path = join(folder, 'program');
  writeFileSync(path, damage(file));
  return path;
}

const interpreters = {
  '/lib/ld-musl-x86_64.so.1': 'musl',
  '/lib/ld-musl-aarch64.so.1': 'musl',
  '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-musl-1.2.5/lib/ld-musl-x86_64.so.1': 'musl',
  '/lib64/ld-linux-x86-64.so.2': 'glibc',
  '/lib/ld-linux-aarch64.so.1': 'glibc',
};

describe.each(Object.entries(interpreters))('the interpreter %s', (interpreter, libc) => {
  // 5056 is where it was in a node that had been changed.
  test.each([0x238, 5056, 4096 - 10, 1 << 20])('at offset %i', (pathAt) => {
    expect(libcOf(program({ interpreter, pathAt }))).toBe(libc);
  });
});

test('a path of musl’s in the first page, which is not the interpreter', () => {
  const damage = (file: Buffer) => Buffer.concat([file.fill('/lib/ld-musl-x86_64.so.1', 0x238, 0x300), file]);
  expect(libcOf(program({ interpreter: '/lib64/ld-linux-x86-64.so.2', pathAt: 5056, damage }))).toBe('glibc');
});

test.each<[string, Program]>([
  ['is cut in its ELF header', { damage: (file) => file.subarray(0, 20) }],
  ['is cut in its program headers', { damage: (file) => file.subarray(0, 100) }],
  ['is cut before the path', { pathAt: 5056, damage: (file) => file.subarray(0, 5000) }],
  ['is empty', { damage: (file) => file.subarray(0, 0) }],
  ['is a script', { damage: () => Buffer.from(`#!/lib/ld-musl-x86_64.so.1\n${' '.repeat(4096)}`) }],
  ['has its program headers behind the first page', { headersAt: 4096 }],
  ['has headers of no size', { damage: (file) => file.fill(0, 54, 56) }],
  ['points outside of any file', { damage: (file) => file.fill(0xff, 64 + 56 + 8, 64 + 56 + 16) }],
  ['has no interpreter', { damage: (file) => file.fill(0, 64 + 56, 64 + 60) }],
])('a program that %s names none', (_, damaged) => {
  expect(libcOf(program(damaged))).toBeUndefined();
});

test('neither does a folder, or a file that is not there', () => {
  expect([libcOf(folder), libcOf(join(folder, 'missing'))]).toEqual([undefined, undefined]);
});

test('the node that runs this, as its own report has it', needs('linux'), () => {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const reported = header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  expect([libcOf(process.execPath), detectLibc()]).toEqual([reported, reported]);
});
