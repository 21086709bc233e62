import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Pid } from '../../src/native/types.ts';
import { printable, printableName, processName } from '../../src/process-tree/printable-name.ts';
import { processStat, until } from '../helpers/proc.ts';

/** @returns the pid of a process with that executable, which calls itself so */
async function startAs(executable: string, name: string): Promise<Pid> {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, executable);
  copyFileSync('/bin/sh', file);
  const script = `printf '${name}' >/proc/self/comm; read -r _`;
  // A busybox is what its argv[0] says.
  const child = spawn(file, ['-c', script], { argv0: 'sh', stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid as Pid;
  await until(() => processStat(pid)?.name === name, `it is called ${name}`);
  return pid;
}

describe('a process is called', () => {
  test.each(['MainThread', 'node-MainThread'])('by its executable where its name is %s', async (name) => {
    expect(processName({ pid: await startAs('server', name), name })).toBe('server');
  });

  test('by the name it has given itself', async () => {
    expect(processName({ pid: await startAs('server', 'npm start'), name: 'npm start' })).toBe('npm start');
  });

  test('by its executable though that has been deleted', async () => {
    const pid = await startAs('server', 'MainThread');
    rmSync(readlinkSync(`/proc/${pid}/exe`));
    expect(processName({ pid, name: 'MainThread' })).toBe('server');
  });

  test('by 15 bytes of its executable’s name at most, in which nothing begins a line', async () => {
    const pid = await startAs('x\nsubreaper: the workload ended', 'MainThread');
    expect(processName({ pid, name: 'MainThread' })).toBe('x?subreaper: th');
  });

  test('node, if nothing but the name of node’s first thread is left of it', () => {
    const gone = (2 ** 22 + 1) as Pid;
    expect(processName({ pid: gone, name: 'MainThread' })).toBe('node');
    expect(printableName('node-MainThread')).toBe('node');
    expect(printableName('sleep')).toBe('sleep');
  });
});

test('no text begins a line, or commands a terminal', () => {
  expect(printable('a\nb\r\u0085\u2028\u2029\u001b[31m\u009b')).toBe('a?b?????[31m?');
  // Marks that turn the direction of a line round, and characters that nobody sees.
  expect(printable('a\u200e\u202eb\u2066\u200b\ufeff')).toBe('a??b???');
});
