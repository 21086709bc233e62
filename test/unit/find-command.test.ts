import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteString } from '../../src/native/types.ts';
import { findCommand } from '../../src/start/command.ts';

let folder: string;
const startFolder = process.cwd();

/** One character for each byte. */
const find = (file: string, path?: string) => findCommand(file as ByteString, path as ByteString | undefined);

function put(path: string, mode: number): void {
  const file = Buffer.from(join(folder, path), 'latin1');
  writeFileSync(file, '#!/bin/sh\necho "$0"\n');
  chmodSync(file, mode);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'find-command-'));
  for (const name of ['first', 'second', 'third', 'first/tool']) mkdirSync(join(folder, name));
  put('first/plain', 0o644);
  put('first/both', 0o755);
  put('second/both', 0o755);
  put('second/plain', 0o755);
  put('second/only-plain', 0o644);
  put('third/only-plain', 0o644);
  put('second/tool', 0o755);
  put('second/caf\xe9', 0o755);
  put('here', 0o755);
  symlinkSync('../second/both', join(folder, 'third/link'));
  symlinkSync('/no/such/target', join(folder, 'first/dangling'));
  process.chdir(folder);
});

afterAll(() => {
  process.chdir(startFolder);
  rmSync(folder, { recursive: true });
});

describe('a command with a slash is taken as it is', () => {
  test('and looked at', () => {
    const table = [
      ['first/both', 'executable'],
      ['./first/both', 'executable'],
      ['third/link', 'executable'],
      ['first/plain', 'not-executable'],
      ['./first', 'directory'],
      ['first/', 'directory'],
      ['/', 'directory'],
      ['./none', undefined],
      ['first/both/x', undefined],
      ['first/dangling', undefined],
    ];
    for (const [file = '', found] of table) {
      expect(find(file, '/no/such/directory'), file).toEqual(found && { file, found });
    }
  });

  test('PATH does not matter', () => {
    expect(find('first/both', join(folder, 'second'))).toEqual({ file: 'first/both', found: 'executable' });
    expect(find('tool/both', 'first')).toBeUndefined();
  });
});

describe('a command without a slash is looked up in PATH', () => {
  test.each([
    ['the first directory wins', 'both', 'first:second', 'first/both', 'executable'],
    ['in the order of PATH', 'both', 'second:first', 'second/both', 'executable'],
    ['an executable wins over an earlier file', 'plain', 'first:second', 'second/plain', 'executable'],
    ['an executable wins over an earlier directory', 'tool', 'first:second', 'second/tool', 'executable'],
    ['through a symbolic link', 'link', 'first:third', 'third/link', 'executable'],
    [
      'a file that is none, for want of better',
      'only-plain',
      'first:second:third',
      'second/only-plain',
      'not-executable',
    ],
    ['a directory, for want of better', 'tool', 'third:first', 'first/tool', 'directory'],
    ['directories that do not exist are passed over', 'both', '/no/such:first', 'first/both', 'executable'],
    ['bytes that are not UTF-8', 'caf\xe9', 'first:second', 'second/caf\xe9', 'executable'],
    ['an empty PATH is the current directory', 'here', '', './here', 'executable'],
    ['an empty entry at the start too', 'here', ':first', './here', 'executable'],
    ['an empty entry in the middle too', 'here', 'first::second', './here', 'executable'],
    ['an empty entry at the end too', 'here', 'first:', './here', 'executable'],
  ])('%s', (_, file, path, where, found) => {
    expect(find(file, path)).toEqual({ file: where, found });
  });

  test('and may not be found', () => {
    const table = [
      ['none', 'first:second'],
      ['first', 'second'],
      ['here', 'first:second'],
      ['dangling', 'first'],
      ['', 'first'],
      ['', ''],
    ] as const;
    for (const [file, path] of table) expect(find(file, path), `${file} in ${path}`).toBeUndefined();
  });

  test('without a PATH the default directories count, not the current one', () => {
    expect(find('sh')).toEqual({ file: expect.stringMatching(/^(?:\/usr)?\/bin\/sh$/), found: 'executable' });
    expect(find('here')).toBeUndefined();
  });

  test.each(['both', 'plain', 'tool', 'link'])('as env(1) does, which calls execvp(3): %s', (name) => {
    const path = ['first', 'second', 'third'].map((directory) => join(folder, directory)).join(':');
    const { stdout } = spawnSync('/usr/bin/env', [name], { env: { PATH: path }, encoding: 'utf8' });
    expect(find(name, path)).toEqual({ file: stdout.trimEnd(), found: 'executable' });
  });
});
