import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { spawnBound } from '../../src/index.ts';
import { launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { canListen, freePort } from '../helpers/ports.ts';
import { runningWith, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';

const hardTree = resolve(import.meta.dirname, '../apps/hard-tree.cjs');
const node = process.execPath;
let trees = 0;

function newMarker(): { marker: string; env: NodeJS.ProcessEnv } {
  const marker = `subreaper-bound-${process.pid}-${++trees}`;
  return { marker, env: { ...process.env, BOUND_MARKER: marker } };
}

/** Starts a tree that ignores SIGTERM, and waits until all of it runs. */
async function startHardTree(options: SpawnOptions & { graceMs?: number } = {}) {
  const { marker, env } = newMarker();
  const port = await freePort();
  const child = spawnBound(node, [hardTree, String(port)], { graceMs: 100, ...options, env });
  const sleeps = () => runningWith(marker).filter(({ name }) => name === 'sleep').length;
  await until(() => sleeps() === 3, 'the tree runs');
  await until(async () => !(await canListen(port)), 'the port is held');
  return { child, port, isGone: () => runningWith(marker).length === 0 };
}

/** Both, for what must be the same. The type too: TypeScript checks every overload of `spawn`. */
const starters: readonly [string, typeof spawn][] = [
  ['spawn', spawn],
  ['spawnBound', spawnBound],
];

const exitOf = (child: ChildProcess) => once(child, 'exit') as Promise<[number | null, string | null]>;

/** All that happens until the child's streams are closed, in order. */
async function eventsOf(child: ChildProcess): Promise<unknown[][]> {
  const events: unknown[][] = [];
  for (const name of ['spawn', 'error', 'exit']) child.on(name, (...args) => events.push([name, ...args]));
  await new Promise<void>((done) => {
    child.on('close', (...args) => {
      events.push(['close', ...args]);
      done();
    });
  });
  return events;
}

describe.each(starters)('%s', (_, start) => {
  test('passes streams, arguments, environment, directory and exit code on', async () => {
    const script =
      'read -r line; echo "$line $0 $1 $A $PWD $(env | grep -c SUBREAPER)"; echo "error" >&2; exit 5';
    const child = start('sh', ['-c', script, 'a b', "'"], {
      cwd: '/',
      env: { PATH: process.env['PATH'], A: 'x=y' },
    });
    child.stdin.end('input\n');
    const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)]);
    expect({ stdout, stderr, exit }).toEqual({
      stdout: "input a b ' x=y / 0\n",
      stderr: 'error\n',
      exit: [5, null],
    });
  });

  test('needs no PATH, and no arguments', async () => {
    const child = start('/bin/pwd', { cwd: '/', env: {} });
    expect(await text(child.stdout)).toBe('/\n');
    const undefinedArgs = start('/bin/pwd', undefined, { cwd: '/' });
    expect(await text(undefinedArgs.stdout)).toBe('/\n');
  });

  test('runs a line of a shell', async () => {
    const child = start('echo "$0" && exit', ['4'], { shell: true });
    const [stdout, [code]] = await Promise.all([text(child.stdout), exitOf(child)]);
    expect([stdout, code]).toEqual(['/bin/sh\n', 4]);
  });

  test('has a stream, also for TypeScript, for each pipe and for nothing else', async () => {
    const child = start('cat', [], { stdio: ['pipe', 'ignore', 'inherit'] });
    const streams: { stdin: Writable; stdout: null; stderr: null } = child;
    expect([streams.stdout, streams.stderr]).toEqual([null, null]);
    streams.stdin.end();
    expect(await exitOf(child)).toEqual([0, null]);
  });

  test('has an IPC channel, and more descriptors', async () => {
    const code = `
      process.on('message', (message) => {
        require('node:fs').writeSync(4, 'four');
        process.send({ ...message, fromChild: true }, () => process.disconnect());
      });`;
    const child = start(node, ['-e', code], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
      serialization: 'advanced',
    } as SpawnOptions);
    const four = text(child.stdio[4] as NodeJS.ReadableStream);
    child.send({ at: new Map([[1, 2n]]) });
    const [[message], , [exitCode]] = await Promise.all([
      once(child, 'message'),
      once(child, 'disconnect'),
      exitOf(child),
    ]);
    expect(message).toEqual({ at: new Map([[1, 2n]]), fromChild: true });
    expect([await four, exitCode]).toEqual(['four', 0]);
  });

  test('ends with an AbortSignal, and with the timeout', async () => {
    const aborting = new AbortController();
    const child = start('sleep', ['1000'], { signal: aborting.signal });
    const failed = once(child, 'error');
    await once(child, 'spawn');
    aborting.abort();
    expect((await failed)[0]).toMatchObject({ name: 'AbortError' });
    expect(await exitOf(child)).toEqual([null, 'SIGTERM']);
    const short = start('sleep', ['1000'], { timeout: 20, killSignal: 'SIGKILL' });
    expect(await exitOf(short)).toEqual([null, 'SIGKILL']);
    expect(short.killed).toBe(true);
  });

  test.each([
    ['exit 3', [3, null]],
    ['exit 143', [143, null]],
    ...(['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGPIPE'] as const).map(
      (signal) => [`ulimit -c 0; kill -${signal.slice(3)} $$`, [null, signal]] as const,
    ),
  ] as const)('tells how the command has ended: %s', async (script, exit) => {
    const child = start('sh', ['-c', script]);
    expect(await eventsOf(child)).toEqual([['spawn'], ['exit', ...exit], ['close', ...exit]]);
    expect([child.exitCode, child.signalCode, child.killed]).toEqual([...exit, false]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('tells that %s has ended it', async (signal) => {
    const child = start('sh', ['-c', 'echo ready; exec sleep 1000']);
    await once(child.stdout, 'data');
    expect(child.kill(signal)).toBe(true);
    expect(await exitOf(child)).toEqual([null, signal]);
    const early = start('sleep', ['1000']);
    expect(early.kill(signal)).toBe(true);
    expect(await exitOf(early)).toEqual([null, signal]);
  });

  test.each([
    ['which is in no directory of PATH', 'no-such-command-here', {}, 'ENOENT'],
    ['whose path is wrong', '/no/such/command', {}, 'ENOENT'],
    ['which is not in the PATH of its own environment', 'sh', { env: { PATH: '/no/such' } }, 'ENOENT'],
    ['which is not in its directory', './sh', { cwd: '/' }, 'ENOENT'],
    ['whose directory is missing', 'true', { cwd: '/no/such/directory' }, 'ENOENT'],
    ['which is no program', import.meta.filename, {}, 'EACCES'],
    ['which is a directory', 'bin/', { cwd: '/usr' }, 'EACCES'],
    ['whose shell is missing', 'true', { shell: '/no/such/shell' }, 'ENOENT'],
  ] as const)('fails for a command %s', async (_, command, options: SpawnOptions, code) => {
    const child = start(command, ['one', 'two'], options);
    const events = await eventsOf(child);
    const line = options.shell ? [options.shell, '-c', `${command} one two`] : [command, 'one', 'two'];
    const [path, ...spawnargs] = line;
    const syscall = `spawn ${path}`;
    const error = { name: 'Error', code, syscall, path, spawnargs, message: `${syscall} ${code}` };
    expect(events).toEqual([
      ['error', expect.objectContaining(error)],
      ['close', expect.any(Number), null],
    ]);
    expect([child.pid, child.spawnfile, child.spawnargs]).toEqual([undefined, path, line]);
  });

  test('finds the command as the system does', async () => {
    const inFolder = start('./true', { cwd: new URL('file:///bin') });
    expect(await exitOf(inFolder)).toEqual([0, null]);
    const inPath = start('true', { cwd: '/', env: { PATH: '/no/such:bin:' } });
    expect(await exitOf(inPath)).toEqual([0, null]);
    expect([inPath.spawnfile, inPath.spawnargs]).toEqual(['true', ['true']]);
  });

  test('gives the command another name', async () => {
    const child = start('cat', ['/proc/self/cmdline'], { argv0: '-näme' });
    expect((await text(child.stdout)).split('\0')).toEqual(['-näme', '/proc/self/cmdline', '']);
    expect(child.spawnargs).toEqual(['-näme', '/proc/self/cmdline']);
    const script = start('echo "$0 $(env | grep -c SUBREAPER)"', { shell: true, argv0: 'other' });
    expect(await text(script.stdout)).toBe('other 0\n');
  });

  test('takes an environment with a prototype, and passes no options on to init', async () => {
    const env = Object.create({ ...process.env, SUBREAPER_OPTIONS: '--restart always' });
    const child = start('sh', ['-c', 'echo "$A"; exit 3'], { env: Object.assign(env, { A: 'own' }) });
    const [stdout, exit] = await Promise.all([text(child.stdout), exitOf(child)]);
    expect([stdout, exit]).toEqual(['own\n', [3, null]]);
  });

  test('handles a signal that the command handles', async () => {
    const child = start('sh', ['-c', 'trap "exit 6" INT; echo ready; while :; do sleep 0.02; done']);
    await once(child.stdout, 'data');
    expect(child.kill('SIGINT')).toBe(true);
    expect(await exitOf(child)).toEqual([6, null]);
    expect(child.kill('SIGINT')).toBe(false);
  });
});

describe('spawnBound ends the whole tree', () => {
  test.each([
    ['SIGTERM, the grace time and SIGKILL', (child: ChildProcess) => child.kill()],
    ['SIGKILL at once', (child: ChildProcess) => child.kill('SIGKILL')],
    ['the number of SIGKILL', (child: ChildProcess) => child.kill(9)],
  ])('by kill(): %s', async (_, kill) => {
    const { child, port, isGone } = await startHardTree();
    expect(kill(child)).toBe(true);
    expect(await exitOf(child)).toEqual([null, 'SIGKILL']);
    expect(isGone()).toBe(true);
    expect(await canListen(port)).toBe(true);
  });

  test('by an AbortSignal', async () => {
    const aborting = new AbortController();
    const { child, isGone } = await startHardTree({ signal: aborting.signal });
    child.on('error', () => {});
    aborting.abort();
    await exitOf(child);
    expect(isGone()).toBe(true);
  });

  test('at the end of a block', async () => {
    let outcome = () => false;
    {
      const { child, isGone } = await startHardTree();
      await using _ = child;
      outcome = isGone;
    }
    expect(outcome()).toBe(true);
  });

  test('also if an AbortSignal comes while the end of a block waits', async () => {
    const aborting = new AbortController();
    const { child, isGone } = await startHardTree({ signal: aborting.signal });
    child.on('error', () => {});
    const ended = child[Symbol.asyncDispose]();
    aborting.abort();
    await ended;
    expect(isGone()).toBe(true);
  });

  test('with a command that leaves a daemon', async () => {
    const { marker, env } = newMarker();
    const script = '(setsid sh -c \'trap "" TERM; sleep 1000\' &); exit 3';
    const child = spawnBound('sh', ['-c', script], { env, graceMs: 50, stdio: 'ignore' });
    expect(await exitOf(child)).toEqual([3, null]);
    expect(runningWith(marker)).toEqual([]);
  });

  test('SIGINT is the command’s: no clock starts', async () => {
    const script = 'trap "echo caught" INT; echo ready; while :; do sleep 0.02; done';
    const child = spawnBound('sh', ['-c', script], { graceMs: 0 });
    await using _ = child;
    await once(child.stdout, 'data');
    for (let round = 0; round < 3; round++) {
      child.kill('SIGINT');
      expect(String((await once(child.stdout, 'data'))[0])).toBe('caught\n');
    }
  });
});

describe('spawnBound', () => {
  test('fork works through the command line', async () => {
    const child = fork(resolve(import.meta.dirname, '../apps/echo-message.cjs'), ['argument'], {
      execPath: launcher,
      execArgv: ['--until-owner', '--', node],
    });
    onTestFinished(() => void child.kill());
    child.send('hello');
    expect((await once(child, 'message'))[0]).toEqual(['argument', 'hello']);
    child.disconnect();
    expect(await exitOf(child)).toEqual([0, null]);
  });

  test.each([
    [['true', 'args'], "'args' is a string; give an array"],
    [[7], "'command' is 7; give a string that is not empty"],
    [[''], '\'command\' is ""; give a string that is not empty'],
    [['true', { graceMs: -1 }], "'graceMs' is -1; give a number of milliseconds from 0 to 2147483647"],
  ])('%j is refused', (args, message) => {
    expect(() => spawnBound(...(args as unknown as [string]))).toThrow(
      new TypeError(`spawnBound: ${message}`),
    );
  });
});

describeWith([], 'spawnBound where there is no Linux', () => {
  /** It depends only on the platform's name, on node's API and on ps(1). */
  const owner = (then: string, graceMs: number) => `
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    const { spawnBound } = await import('subreaper');
    const script = 'sh -c "trap : TERM; sleep 1000; sleep 1000" & echo ready; wait; wait';
    const child = spawnBound('sh', ['-c', script], { graceMs: ${graceMs} });
    child.stdout.once('data', () => { ${then} });
    child.on('exit', (code, signal) => console.log(code, signal));`;

  test.each([
    ['an exit', 'process.exit(4)', { code: 4, signal: null }],
    ['SIGTERM', 'process.kill(process.pid)', { code: null, signal: 'SIGTERM' }],
    ['an exception', 'throw new Error("crash")', { code: 1, signal: null }],
  ])('ends the tree with %s of the owner', async (_, then, exit) => {
    const { marker, env } = newMarker();
    const running = startProcess([node, '--input-type=module', '-e', owner(then, 100)], { env });
    expect(await running.exit).toEqual(exit);
    expect(runningWith(marker)).toEqual([]);
  });

  test('ends the command alone if there is no ps(1)', async () => {
    const { marker, env } = newMarker();
    const script = `
      Object.defineProperty(process, 'platform', { value: 'win32' });
      const { spawnBound } = await import('subreaper');
      spawnBound('/bin/sleep', ['1000'], { graceMs: 50 }).once('spawn', () => process.exit(4));`;
    const line = [node, '--input-type=module', '-e', script];
    const running = startProcess(line, { env: { ...env, PATH: '/no/such' } });
    expect(await running.exit).toEqual({ code: 4, signal: null });
    expect(runningWith(marker)).toEqual([]);
  });

  test('ends the tree with kill()', async () => {
    const { marker, env } = newMarker();
    const line = [node, '--input-type=module', '-e', owner('child.kill("SIGKILL")', 100)];
    const running = startProcess(line, { env });
    expect(await running.nextLine()).toBe('null SIGKILL');
    expect(await running.exit).toEqual({ code: 0, signal: null });
    await until(() => runningWith(marker).length === 0, 'nothing of it runs');
  });
});
