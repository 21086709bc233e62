import { type ChildProcess, spawn as spawnWithNode } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { register } from '../../src/in-process/register.ts';
import { addressOf, bind, koffi } from '../../src/native/addon.ts';
import * as layouts from '../../src/native/layouts.ts';
import { childrenOfLibuv } from '../../src/native/libuv.ts';
import { kill } from '../../src/native/process.ts';
import { createSignalLoop, type SignalLoop } from '../../src/native/signal-loop.ts';
import { signalSet } from '../../src/native/signal-set.ts';
import { watchSignals } from '../../src/native/signals.ts';
import { type Spawn, spawn } from '../../src/native/spawn.ts';
import { SystemError } from '../../src/native/system-error.ts';
import type { ByteString, Pid, Signal, SignalSet } from '../../src/native/types.ts';
import {
  detachTracee,
  isRunningChild,
  lastWaitStatus,
  peekEnded,
  waitForAny,
  waitUntilEnded,
} from '../../src/native/wait.ts';
import { decodeWaitStatus } from '../../src/reaper/wait-status.ts';
import { actor } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { lacking } from '../helpers/needs.ts';
import { type ProcessStat, processStat, statusField, until } from '../helpers/proc.ts';

function start(how: Partial<Spawn>, ...line: string[]): Pid {
  const argv = line as string[] as ByteString[];
  const environment = [`PATH=${process.env['PATH']}`] as ByteString[];
  return spawn({
    file: argv[0] as ByteString,
    argv,
    environment,
    defaultSignals: 0n as SignalSet,
    signalMask: 0n as SignalSet,
    ...how,
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

describeWith(['actor'], 'a child that asks to be traced', () => {
  async function stopOf(pid: Pid) {
    await until(() => processStat(pid)?.state === 't', 'the tracee is stopped');
    expect(isRunningChild(pid)).toBe(true);
    expect(waitForAny(false)).toBe(pid);
    return decodeWaitStatus(lastWaitStatus());
  }

  function endOf(pid: Pid) {
    expect(waitUntilEnded(pid)).toBe(true);
    return decodeWaitStatus(lastWaitStatus());
  }

  test('runs its program, stopped by execve(2), once it is detached', async () => {
    const pid = start({}, actor, 'traceme', 'sleep', '1000');
    expect(await stopOf(pid)).toEqual({ kind: 'stopped', signal: 5 });
    expect(detachTracee(pid, 5 as Signal)).toBe(true);
    await until(() => processStat(pid)?.state === 'S', 'the child runs');
    expect([processStat(pid)?.name, statusField(pid, 'TracerPid')]).toEqual(['sleep', '0']);
    kill(pid, 15 as Signal);
    expect(endOf(pid)).toEqual({ kind: 'killed', signal: 15, coreDumped: false });
  });

  test('gets the signal that stopped it', async () => {
    const pid = start({}, 'sh', '-c', `exec ${actor} traceme >/dev/null`);
    await until(() => statusField(pid, 'TracerPid') === String(process.pid), 'the child is traced');
    kill(pid, 15 as Signal);
    expect(await stopOf(pid)).toEqual({ kind: 'stopped', signal: 15 });
    expect(detachTracee(pid, 15 as Signal)).toBe(true);
    expect(endOf(pid)).toEqual({ kind: 'exited', code: 7 });
  });

  test('is left alone if it runs, or is not traced', async () => {
    const pid = start({}, 'sleep', '1000');
    expect(detachTracee(pid, 15 as Signal)).toBe(false);
    kill(pid, 19 as Signal);
    await until(() => processStat(pid)?.state === 'T', 'the child is stopped');
    expect(detachTracee(pid, 18 as Signal)).toBe(false);
    expect(processStat(pid)?.state).toBe('T');
    kill(pid, 9 as Signal);
    expect(endOf(pid)).toEqual({ kind: 'killed', signal: 9, coreDumped: false });
    expect(detachTracee(pid, 15 as Signal)).toBe(false);
  });
});

test('a wait for a child goes on after a signal handler without SA_RESTART', () => {
  const sigaction = bind<[number, Buffer, Buffer | null], number>('int sigaction(int, void *, void *)');
  const SIGURG = 23;
  const [handler, before] = [Buffer.alloc(layouts.sizeofSigaction), Buffer.alloc(layouts.sizeofSigaction)];
  // Any function of the C library that takes an int and does nothing.
  handler.writeBigUInt64LE(koffi().address(addressOf('abs')));
  sigaction(SIGURG, handler, before);
  const script = `
    until grep -q '^State:.S' /proc/$PPID/status; do :; done
    kill -URG $PPID
    while grep -q '^ShdPnd:.*[1-9a-f]' /proc/$PPID/status; do :; done
    exit 3`;
  const pid = start({}, 'sh', '-c', script);
  const hasEnded = waitUntilEnded(pid);
  const status = lastWaitStatus();
  if (!hasEnded) waitUntilEnded(pid);
  sigaction(SIGURG, before, null);
  expect([hasEnded, decodeWaitStatus(status)]).toEqual([true, { kind: 'exited', code: 3 }]);
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

  test.each([
    { name: 'a file that is not there', file: 'no-such-command', code: 'ENOENT' },
    { name: 'a folder', file: '/etc', code: 'EACCES' },
    { name: 'a file that is not executable', file: '/etc/passwd', code: 'EACCES' },
    { name: 'a path through a file', file: '/etc/passwd/x', code: 'ENOTDIR' },
    { name: 'a link to itself', file: () => loop(), code: 'ELOOP' },
    { name: 'a path that is too long', file: `/${'x'.repeat(300)}`, code: 'ENAMETOOLONG' },
    { name: 'an argument that is too long', file: 'true', argument: 'x'.repeat(200_000), code: 'E2BIG' },
    { name: 'a file of unknown format', file: () => written('echo\n'), code: 'ENOEXEC' },
  ])('$name: $code, and no child and no descriptor is left', ({ file, argument = '', code }) => {
    const line = [typeof file === 'string' ? file : file(), argument];
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    expect(() => start({}, ...line)).toThrow(code);
    expect([waitForAny(false), descriptors()]).toEqual(['no-children', before]);
  });

  function loop(): string {
    const link = join(folder, 'loop');
    symlinkSync(link, link);
    return link;
  }

  function written(text: string): string {
    const file = join(folder, 'script');
    writeFileSync(file, text, { mode: 0o755 });
    return file;
  }

  /** What the kernel tells of a process that runs until it is killed here. */
  function seen(how: Partial<Spawn>) {
    const pid = start(how, 'sleep', '1000');
    const { group, session } = processStat(pid) as ProcessStat;
    const [blocked, ignored] = ['SigBlk', 'SigIgn'].map((field) => statusField(pid, field));
    kill(pid, 9 as Signal);
    waitUntilEnded(pid);
    return { leadsGroup: group === pid, leadsSession: session === pid, group, blocked, ignored };
  }

  const own = processStat(process.pid)?.group as Pid;

  test.each([
    { how: {}, leadsGroup: true, leadsSession: false },
    { how: { leads: 'group' }, leadsGroup: true, leadsSession: false },
    { how: { leads: 'session' }, leadsGroup: true, leadsSession: true },
    { how: { leads: 'nothing' }, leadsGroup: false, leadsSession: false, group: own },
  ] as const)('$how', ({ how, ...expected }) => {
    expect(seen(how)).toMatchObject(expected);
  });

  // To posix_spawn, 0 is a group of its own.
  const lack = own === 0 ? 'a process group whose leader this PID namespace has' : undefined;
  test('{ group: that of this process }', lacking(lack), () => {
    expect(seen({ group: own })).toMatchObject({ leadsGroup: false, leadsSession: false, group: own });
  });

  test('the signal mask, with real-time signals', () => {
    const signalMask = signalSet([1, 15, 40, 64] as Signal[]);
    expect(seen({ signalMask }).blocked).toBe(signalMask.toString(16).padStart(16, '0'));
  });

  test('signals start with their default action, or stay ignored', () => {
    const sigaction = bind<[number, Buffer, Buffer | null], number>('int sigaction(int, void *, void *)');
    const [SIGHUP, REAL_TIME, SIG_IGN] = [1, 40, 1n];
    const ignore = Buffer.alloc(layouts.sizeofSigaction);
    ignore.writeBigUInt64LE(SIG_IGN);
    const before = [SIGHUP, REAL_TIME].map((signal) => {
      const action = Buffer.alloc(layouts.sizeofSigaction);
      sigaction(signal, ignore, action);
      return { signal, action };
    });
    const both = signalSet([SIGHUP, REAL_TIME] as Signal[]);
    const ignoredWith = (defaultSignals: SignalSet) => BigInt(`0x${seen({ defaultSignals }).ignored}`) & both;
    onTestFinished(() => {
      for (const { signal, action } of before) sigaction(signal, action, null);
    });
    const ignored = [0n, signalSet([SIGHUP] as Signal[]), both].map((set) => ignoredWith(set as SignalSet));
    expect(ignored).toEqual([both, signalSet([REAL_TIME] as Signal[]), 0n]);
  });
});

describe('the signals of a loop of their own', () => {
  /**
   * Sends signals before they are read and after that.
   * @param signals two that a pipe holds once, and a real-time signal: nobody has watched them so far
   * @param believe whether a message is what it should be, where it is
   * @returns those that arrived, and what was believed
   */
  async function arrivals(signals: readonly number[], believe: (isOurs: boolean) => boolean) {
    const [ONE, OTHER, REAL_TIME] = signals as [Signal, Signal, Signal];
    const arrived: Signal[] = [];
    const believed: boolean[] = [];
    const made = createSignalLoop(1 << 16);
    const loop: SignalLoop = {
      ...made,
      read: (deliver, isOurs) =>
        made.read(deliver, (handle, signal) => {
          believed.push(believe(isOurs(handle, signal)));
          return believed.at(-1) as boolean;
        }),
    };
    const watch = watchSignals(
      (signal) => void arrived.push(signal),
      () => loop,
    );
    for (const signal of [ONE, OTHER, REAL_TIME]) watch.start(signal);
    for (const signal of [REAL_TIME, ONE, REAL_TIME, REAL_TIME]) kill(process.pid, signal);
    watch.runLoops();
    await until(() => arrived.length >= 4, 'the first have arrived');
    for (const signal of [REAL_TIME, OTHER, REAL_TIME, REAL_TIME]) kill(process.pid, signal);
    await until(() => arrived.length >= 8, 'the others have arrived');
    for (const signal of [ONE, OTHER, REAL_TIME]) watch.stop(signal);
    return { arrived: arrived.sort(), believed };
  }
  test('arrive as often as they were sent', async () => {
    const arrived = [12, 23, 40, 40, 40, 40, 40, 40];
    expect(await arrivals([12, 23, 40], (isOurs) => isOurs)).toEqual({ arrived, believed: [true] });
  });

  test('arrive by way of libuv if its messages are not those that this can read', async () => {
    const arrived = [28, 29, 41, 41, 41, 41, 41, 41];
    expect(await arrivals([28, 29, 41], () => false)).toEqual({ arrived, believed: [false] });
  });
});

test('no loop is made of a libuv that may need more memory: its signals are node’s own then', () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor;
  Object.defineProperty(process, 'versions', {
    ...versions,
    value: { ...process.versions, uv: '2.0.0' },
  });
  onTestFinished(() => void Object.defineProperty(process, 'versions', versions));
  expect(() => createSignalLoop(1 << 12)).toThrow('libuv 1');
});

test('the children of libuv are those that it will wait for', async () => {
  const expectChildren = (children: ChildProcess[]) =>
    expect(childrenOfLibuv()).toEqual(new Set(children.map(({ pid }) => pid)));
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
