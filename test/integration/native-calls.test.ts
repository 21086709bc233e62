import { type ChildProcess, spawn as spawnWithNode } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../../src/in-process/register.ts';
import { childrenOfLibuv, walkForChildren } from '../../src/native/event-loop.ts';
import { kill } from '../../src/native/process.ts';
import { type Spawn, spawn } from '../../src/native/spawn.ts';
import { SystemError } from '../../src/native/system-error.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../../src/native/types.ts';
import { lastWaitStatus, peekEnded, waitForAny, waitUntilEnded } from '../../src/native/wait.ts';
import { decodeWaitStatus } from '../../src/reaper/wait-status.ts';
import { processStat, until } from '../helpers/proc.ts';

function start(place: Pick<Spawn, 'leavesDirectory'>, ...line: string[]): Pid {
  const argv = line as string[] as ByteString[];
  const environment = [`PATH=${process.env['PATH']}`] as ByteString[];
  return spawn({
    file: argv[0] as ByteString,
    argv,
    environment,
    defaultSignals: 0n as SignalSet,
    signalMask: 0n as SignalSet,
    ...place,
  });
}

// vitest gives each file a process of its own, so this one has no other children. It waits for its children itself: the
// check for leaked processes must not.
beforeAll(() => void register({ owns: () => true }));

describe('wait', () => {
  test('says so where there is no child', () => {
    expect(waitForAny(false)).toBe('no-children');
    expect(peekEnded()).toBe('no-children');
  });

  test('a child that runs is nothing yet; peekEnded leaves the status of one that ended, waitForAny takes it', async () => {
    const pid = start({}, 'sleep', '1000');
    kill(pid, 19 as Signal);
    expect(peekEnded()).toBe('nothing-yet');
    await until(() => processStat(pid)?.state === 'T', 'the child is stopped');
    expect(waitForAny(false)).toBe('nothing-yet');
    expect(waitForAny(true)).toBe(pid);
    expect(decodeWaitStatus(lastWaitStatus())).toEqual({ kind: 'stopped', signal: 19 });
    kill(pid, 9 as Signal);
    await until(() => processStat(pid)?.state === 'Z', 'the child has ended');
    expect(peekEnded()).toBe(pid);
    expect(peekEnded()).toBe(pid);
    expect(processStat(pid)?.state).toBe('Z');
    expect(waitForAny(false)).toBe(pid);
    expect(decodeWaitStatus(lastWaitStatus())).toEqual({ kind: 'killed', signal: 9, coreDumped: false });
    expect(processStat(pid)).toBeUndefined();
  });
});

describe('spawn', () => {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  const startFolder = process.cwd();
  afterAll(() => {
    process.chdir(startFolder);
    rmSync(folder, { recursive: true });
  });

  test('leaves its directory before the program runs in it', () => {
    process.chdir(folder);
    const pid = start({ leavesDirectory: true }, 'sleep', '1000');
    expect([process.cwd(), readlinkSync(`/proc/${pid}/cwd`)]).toEqual(['/', folder]);
    kill(pid, 9 as Signal);
    waitUntilEnded(pid);
  });

  test('is back in its directory if the program cannot be run', () => {
    process.chdir(folder);
    expect(() => start({ leavesDirectory: true }, './no-such-command')).toThrow('ENOENT');
    expect([process.cwd(), readlinkSync('/proc/self/cwd')]).toEqual([folder, folder]);
  });
});

describe('the children of libuv', () => {
  test('are in its own list as uv_walk finds them', async () => {
    const expectChildren = (children: ChildProcess[]) => {
      const pids = new Set(children.map(({ pid }) => pid));
      expect(childrenOfLibuv()).toEqual(pids);
      expect(walkForChildren()).toEqual(pids);
    };
    expectChildren([]);
    const children = Array.from({ length: 3 }, () => spawnWithNode('sleep', ['60'], { stdio: 'ignore' }));
    expectChildren(children);
    for (const child of children.splice(1)) {
      child.kill();
      await once(child, 'exit');
    }
    expectChildren(children);
    children[0]?.kill();
    await once(children[0] as ChildProcess, 'exit');
    expectChildren([]);
  });
});

describe('errors', () => {
  test('carry the call, the number and the symbolic name', () => {
    const attempts = [
      { run: () => kill(-(2 ** 30), 15 as Signal), code: 'ESRCH', errno: 3, syscall: 'kill' },
      { run: () => kill(process.pid, 99 as Signal), code: 'EINVAL', errno: 22, syscall: 'kill' },
      { run: () => start({}, 'no-such-command'), code: 'ENOENT', errno: 2, syscall: 'posix_spawnp' },
      { run: () => start({}, '/etc'), code: 'EACCES', errno: 13, syscall: 'posix_spawnp' },
    ];
    for (const { run, ...expected } of attempts) {
      let error: unknown;
      try {
        run();
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(SystemError);
      expect(error).toMatchObject(expected);
    }
  });
});
