import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { attempt } from '../../src/native/attempt.ts';
import { listProcesses, parseProcesses, treeIn } from '../../src/process-tree/ps.ts';
import { needs } from '../helpers/needs.ts';

test('macOS pads the time, and Linux does not; a command may be missing', () => {
  const text = [
    '    1     0 Ss   Tue Dec  1 07:42:30 2026     /sbin/launchd',
    '  501     1 S+   Mon Nov 30 23:05:09 2026     /usr/local/bin/node server.js PATH=/bin TREE=x-7 HOME=/Users/me',
    '  502   501 Z    Tue Dec  1 07:42:30 2026     (sleep)',
    ' 1503   501 Ss   Tue Dec 11 07:42:30 2026 sh -c wait',
    ' 1504  1503 T    Tue Dec 11 07:42:30 2026',
    '',
  ].join('\n');
  const startTime = Date.UTC(2026, 11, 1, 7, 42, 30);
  const later = Date.UTC(2026, 11, 11, 7, 42, 30);
  const threads = 1;
  expect(parseProcesses(text, 'x-7')).toEqual([
    { pid: 1, parent: 0, name: 'launchd', state: 'S', startTime, threads, isMarked: false },
    {
      ...{ pid: 501, parent: 1, name: 'node', state: 'S', threads, isMarked: true },
      startTime: Date.UTC(2026, 10, 30, 23, 5, 9),
    },
    { pid: 502, parent: 501, name: '(sleep)', state: 'Z', startTime, threads, isMarked: false },
    { pid: 1503, parent: 501, name: 'sh', state: 'S', startTime: later, threads, isMarked: false },
    { pid: 1504, parent: 1503, name: '', state: 'T', startTime: later, threads, isMarked: false },
  ]);
});

test('a tree is its roots and all below them, also if a child stands before its parent', () => {
  const line = (pid: number, parent: number) => `${pid} ${parent} S Tue Dec  1 07:42:30 2026 sh`;
  const all = parseProcesses([line(5, 7), line(3, 1), line(7, 2), line(2, 1), line(8, 3)].join('\n'));
  expect(treeIn(all, ({ pid }) => pid === 2).map(({ pid }) => pid)).toEqual([2, 7, 5]);
});

describe('a ps(1) that is killed', () => {
  test.each([
    ['is no answer, whatever it has shown', 'kill -INT $$', 'ERR_NO_PS'],
    ['not at all: it is one', ':', undefined],
  ])('%s', needs('ps'), (_, end, code) => {
    const { PATH } = process.env;
    const folder = mkdtempSync(join(tmpdir(), 'ps-'));
    onTestFinished(() => {
      process.env['PATH'] = PATH;
      rmSync(folder, { recursive: true });
    });
    writeFileSync(join(folder, 'ps'), `#!/bin/sh\nPATH=/bin:/usr/bin ps "$@"\n${end}\n`, { mode: 0o755 });
    process.env['PATH'] = folder;
    const error = attempt(() => void listProcesses()) as NodeJS.ErrnoException | undefined;
    expect(error?.code).toBe(code);
  });
});
