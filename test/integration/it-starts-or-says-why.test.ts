import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { runInit } from '../helpers/run-init.ts';

const root = join(launcher, '../..');
const hello = { command: ['echo', 'hello'] };
const greets = { code: 0, signal: null, stdout: 'hello\n', stderr: '' };

/** What, why, what to do. */
const oneLine = /^subreaper: [^\n]+, [^\n]+; [^\n]+\n$/;
const saysWhy = { code: 125, signal: null, stdout: '', stderr: expect.stringMatching(oneLine) };

/** A copy of the package, its dependencies beside it. @returns its launcher */
function copyPackage(packageFolder: string): string {
  for (const part of ['bin', 'dist'])
    cpSync(join(root, part), join(packageFolder, part), { recursive: true });
  return join(packageFolder, 'bin/subreaper');
}

describe('a damaged installation', () => {
  let folder: string;
  let copy: string;
  let addon: string;
  let whole: Buffer;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    copy = copyPackage(folder);
    const modules = (name: string) => join(folder, 'node_modules', name);
    cpSync(join(root, 'node_modules/koffi'), modules('koffi'), { recursive: true, dereference: true });
    const platform = `@koromix/koffi-linux-${process.arch}`;
    cpSync(join(root, 'node_modules', platform), modules(platform), { recursive: true, dereference: true });
    addon = join(modules(platform), `linux_${process.arch}/koffi.node`);
    whole = readFileSync(addon);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([0, 1, 63, 64, 4096, 100_000, -1])('koffi.node cut at %i: one line', async (size) => {
    truncateSync(addon, size < 0 ? whole.length + size : size);
    onTestFinished(() => writeFileSync(addon, whole));
    expect(await runInit({ launch: [copy], ...hello })).toEqual(saysWhy);
  });

  test('koffi.node whole: the workload runs', async () => {
    expect(await runInit({ launch: [copy], ...hello })).toEqual(greets);
  });
});
