import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { spawnBound } from '../../src/index.ts';
import { buildFolder, launcher } from '../helpers/environment.ts';
import { lacking, needs } from '../helpers/needs.ts';
import { canListen, freePort } from '../helpers/ports.ts';
import { processStat, runningWith, until } from '../helpers/proc.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';
import { buildSingleExecutable, canBecomeSingleExecutable } from '../helpers/single-executable.ts';

const hardTree = resolve(import.meta.dirname, '../apps/hard-tree.cjs');
const root = resolve(import.meta.dirname, '../..');
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
  return { child, port, marker, isGone: () => runningWith(marker).length === 0 };
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
    // Not cat: busybox does what the name says.
    const child = start(node, ['-p', 'process.argv0'], { argv0: '-näme' });
    expect(await text(child.stdout)).toBe('-näme\n');
    expect(child.spawnargs).toEqual(['-näme', '-p', 'process.argv0']);
  });

  test('gives a shell another name', needs('dash'), async () => {
    const script = start('echo "$0 $(env | grep -c SUBREAPER)"', { shell: 'dash', argv0: 'other' });
    expect(await text(script.stdout)).toBe('other 0\n');
  });

  test('takes an environment with a prototype, and passes no options on to init', async () => {
    const env = Object.create({ ...process.env, SUBREAPER_OPTIONS: '--restart always' });
    const child = start('sh', ['-c', 'echo "$A"; exit 3'], { env: Object.assign(env, { A: 'own' }) });
    const [stdout, exit] = await Promise.all([text(child.stdout), exitOf(child)]);
    expect([stdout, exit]).toEqual(['own\n', [3, null]]);
  });

  test('takes an environment that keeps what is set, as the process.env of jest does, and leaves it as it is', async () => {
    const variables: NodeJS.ProcessEnv = { PATH: process.env['PATH'] };
    const env = new Proxy(variables, {
      set: (target, name, value) => Reflect.set(target, name, String(value)),
    });
    const child = start('sh', ['-c', 'exit 3'], { env });
    expect(await exitOf(child)).toEqual([3, null]);
    expect(variables).toEqual({ PATH: process.env['PATH'] });
  });

  test.each([
    ['another folder', { NODE_V8_COVERAGE: '/another' }, '/another'],
    ['no folder', { NODE_V8_COVERAGE: '' }, ''],
    ['undefined', { NODE_V8_COVERAGE: undefined }, 'unset'],
    ['nothing', {}, '/of/the/owner'],
  ])('an environment that names %s for coverage', async (_, env, folder) => {
    vi.stubEnv('NODE_V8_COVERAGE', '/of/the/owner');
    onTestFinished(() => void vi.unstubAllEnvs());
    const child = start('/bin/sh', ['-c', 'printenv NODE_V8_COVERAGE || echo unset'], { env });
    expect(await text(child.stdout)).toBe(`${folder}\n`);
  });

  test.each([
    { shell: '/bin/false' },
    { argv0: 'other' },
    { cwd: '/no/such/directory' },
    { env: { HOME: '/evil' } },
    { stdio: 'ignore' },
    { uid: 5 },
    { gid: 5 },
    { timeout: 1 },
    { graceMs: 'a while' },
  ])('takes no option from Object.prototype: %j', async (polluting) => {
    const [name, value] = Object.entries(polluting)[0] as [string, unknown];
    const polluted = Object.prototype as Record<string, unknown>;
    const args = ['-c', 'echo "$0 $HOME $(id -u) $(id -g)"; pwd; exec sleep 0.1'];
    Object.defineProperty(polluted, name, { value, configurable: true, writable: true });
    let children: ChildProcess[];
    try {
      children = [start('sh', args), start('sh', args, {})];
    } finally {
      delete polluted[name];
    }
    const outcomes = children.map((child) =>
      Promise.all([child.stdout && text(child.stdout), exitOf(child)]),
    );
    const ids = `${process.getuid?.()} ${process.getgid?.()}`;
    const expected = [`sh ${process.env['HOME']} ${ids}\n${process.cwd()}\n`, [0, null]];
    expect(await Promise.all(outcomes)).toEqual([expected, expected]);
  });

  test.each([{ shell: 5 }, { argv0: 5 }, { cwd: 5 }])('refuses %j', (options) => {
    expect(() => start('true', [], options as object)).toThrow(TypeError);
  });

  test('takes null for an option that is left out', async () => {
    const nothing = { shell: null, argv0: null, cwd: null, env: null } as unknown as SpawnOptions;
    const child = start('sh', ['-c', 'echo "$0"'], nothing);
    expect(await text(child.stdout as NodeJS.ReadableStream)).toBe('sh\n');
  });

  test.each(['SIGTERM', 'sigTerm', 15, 'SIGKILL', 'sigkill', 9])('takes %j for a signal', async (signal) => {
    const child = start('sh', ['-c', 'echo ready; exec sleep 1000']);
    await once(child.stdout, 'data');
    expect(child.kill(signal as NodeJS.Signals)).toBe(true);
    const isTerm = signal === 15 || /term/i.test(String(signal));
    expect(await exitOf(child)).toEqual([null, isTerm ? 'SIGTERM' : 'SIGKILL']);
  });

  test.each(['SIGNONE', 'TERM', '', -1, 99])('takes %j for none', async (signal) => {
    const child = start('sleep', ['1000']);
    expect(() => child.kill(signal as NodeJS.Signals)).toThrow(TypeError);
    expect([child.kill(0), child.killed]).toEqual([true, true]);
    child.kill();
    expect(await exitOf(child)).toEqual([null, 'SIGTERM']);
  });

  test.each(['SIGSTOP', 'sigstop', 19])('stops the command by %j, until SIGCONT', async (signal) => {
    const child = start('sh', ['-c', 'echo $$; read -r line; exit 3']);
    const [pid] = await once(child.stdout, 'data');
    const isStopped = () => processStat(Number(pid))?.state === 'T';
    expect(child.kill(signal as NodeJS.Signals)).toBe(true);
    await until(isStopped, 'it is stopped');
    child.stdin.end('\n');
    child.kill('SIGCONT');
    expect(await exitOf(child)).toEqual([3, null]);
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
    ['its name in lower case', (child: ChildProcess) => child.kill('sigkill' as 'SIGKILL')],
    [
      'that of SIGTERM, the grace time and SIGKILL',
      (child: ChildProcess) => child.kill('sigterm' as 'SIGTERM'),
    ],
  ])('by kill(): %s', async (_, kill) => {
    const { child, port, isGone } = await startHardTree();
    expect(kill(child)).toBe(true);
    expect(await exitOf(child)).toEqual([null, 'SIGKILL']);
    expect(isGone()).toBe(true);
    expect(await canListen(port)).toBe(true);
  });

  const untilStopped = (marker: string, init: () => number | undefined) =>
    until(() => {
      const tree = runningWith(marker).filter(({ pid }) => pid !== init());
      return tree.length >= 4 && tree.every(({ state }) => state === 'T');
    }, 'the tree is stopped');

  test.each([
    ['SIGKILL', (child: ChildProcess) => child.kill('SIGKILL')],
    ['SIGTERM, the grace time and SIGKILL', (child: ChildProcess) => child.kill()],
  ])('when it is stopped: by %s', async (_, kill) => {
    const { child, marker, isGone } = await startHardTree();
    child.kill('SIGSTOP');
    await untilStopped(marker, () => child.pid);
    kill(child);
    expect(await exitOf(child)).toEqual([null, 'SIGKILL']);
    expect(isGone()).toBe(true);
  });

  test('when it is stopped: with its owner', async () => {
    const { marker } = newMarker();
    const port = String(await freePort());
    const code = `
      import { spawnBound } from 'subreaper';
      const env = { ...process.env, BOUND_MARKER: '${marker}' };
      const child = spawnBound(process.execPath, ${JSON.stringify([hardTree, port])}, { env, graceMs: 50 });
      process.stdin.on('data', () => child.kill('SIGSTOP'));
      console.log(child.pid);`;
    const owner = startProcess([node, '--input-type=module', '-e', code]);
    const init = Number(await owner.nextLine());
    await until(
      () => runningWith(marker).filter(({ name }) => name === 'sleep').length === 3,
      'the tree runs',
    );
    owner.stdin.write('stop');
    await untilStopped(marker, () => init);
    owner.kill('SIGKILL');
    await until(() => runningWith(marker).length === 0, 'nothing of it runs');
  });

  test.each([
    ['SIGKILL', (child: ChildProcess) => child.kill('SIGKILL')],
    ['SIGTERM, the grace time and SIGKILL', (child: ChildProcess) => child.kill()],
  ])('when somebody else has stopped subreaper itself: by %s', async (_, kill) => {
    const { child, isGone } = await startHardTree();
    process.kill(child.pid as number, 'SIGSTOP');
    await until(() => processStat(child.pid as number)?.state === 'T', 'it is stopped');
    kill(child);
    expect(await exitOf(child)).toEqual([null, 'SIGKILL']);
    expect(isGone()).toBe(true);
  });

  test('when it is stopped before the command runs', async () => {
    const { marker, env } = newMarker();
    const child = spawnBound('sleep', ['1000'], { env, graceMs: 50 });
    child.kill('SIGSTOP');
    child.kill();
    await exitOf(child);
    // The launcher may have forked, to save the environment. That process ends by itself.
    await until(() => runningWith(marker).length === 0, 'nothing of it runs');
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

  test.each([
    ['kill()', (child: AsyncDisposable & ChildProcess) => child.kill()],
    ['the end of a block', (child: AsyncDisposable) => child[Symbol.asyncDispose]()],
  ])('by %s, also with fake timers', async (_, kill) => {
    const { child, isGone } = await startHardTree();
    const exit = exitOf(child);
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    await kill(child);
    expect(await exit).toEqual([null, 'SIGKILL']);
    expect(isGone()).toBe(true);
  });

  test('also with the fake timers of node:test', async () => {
    const { marker, env } = newMarker();
    const code = `
      import { mock } from 'node:test';
      import { spawnBound } from 'subreaper';
      mock.timers.enable();
      const child = spawnBound('sh', ['-c', 'trap "" TERM; echo; sleep 1000; sleep 1000'], { graceMs: 50 });
      child.stdout.once('data', () => child.kill());
      child.once('exit', (...exit) => console.log(...exit));`;
    const running = startProcess([node, '--no-warnings', '--input-type=module', '-e', code], { env });
    expect(await runToEnd(running)).toEqual({ code: 0, signal: null, stdout: 'null SIGKILL\n', stderr: '' });
    expect(runningWith(marker)).toEqual([]);
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

/** Runs a program in node that tells what has become of commands, each started by `spawn` and by `spawnBound`. */
async function outcomesOf(code: string, flags: readonly string[] = []) {
  const program = `
    import { rmdirSync } from 'node:fs';
    import { spawn } from 'node:child_process';
    import { spawnBound } from 'subreaper';
    const start = (starter, line) => new Promise((done) => {
      starter(...line).on('error', ({ message }) => done(message)).on('exit', done);
    });
    const [folder] = process.argv.slice(-1);
    ${code}`;
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const line = [node, ...flags, '--no-warnings', '--input-type=module', '-e', program, '--', folder];
  const { stdout, stderr } = await runToEnd(startProcess(line));
  return { lines: stdout.trimEnd().split('\n'), stderr };
}

/** Node's permission model, with all that a child process needs. */
const permission = [
  process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
  '--allow-child-process',
];

describe('spawnBound works where spawn does', () => {
  const missing = ['spawn ./true ENOENT', 'spawn true ENOENT'];

  test('in a directory that has been removed', async () => {
    const code = `
      process.chdir(folder);
      rmdirSync(folder);
      for (const starter of [spawn, spawnBound]) {
        for (const line of [['true'], ['pwd', [], { cwd: '/', stdio: 'ignore' }], ['./true'], ['true', [], { cwd: 'below' }]]) {
          console.log(await start(starter, line));
        }
      }`;
    const lines = ['0', '0', ...missing];
    expect(await outcomesOf(code)).toEqual({ lines: [...lines, ...lines], stderr: '' });
  });

  test.each([
    ['the package', [`${root}/*`]],
    ['its code', [`${root}/dist/*`, `${root}/package.json`]],
  ])('with a permission to read %s alone', async (_, files) => {
    const code = `
      for (const starter of [spawn, spawnBound]) {
        for (const line of [['true'], ['sh', ['-c', 'exit 3'], { cwd: '/' }], ['/bin/sh', ['-c', 'exit 4']]]) {
          console.log(await start(starter, line));
        }
      }`;
    const flags = [...permission, ...files.map((file) => `--allow-fs-read=${file}`)];
    expect(await outcomesOf(code, flags)).toEqual({ lines: ['0', '3', '4', '0', '3', '4'], stderr: '' });
  });
});

const asApp = lacking(
  canBecomeSingleExecutable() ? undefined : 'a node in one file: most of this one is in a shared library',
);

describe('spawnBound in a single executable application', asApp, () => {
  const folder = join(buildFolder, `app-${process.pid}`);
  let app = '';
  beforeAll(() => {
    // It says that it has been started. Init must not be this app.
    const script = `
      console.log('started');
      if (process.env.SUBREAPER_LAUNCHER !== undefined) process.exit(125);
      const { spawnBound } = require('node:module').createRequire('${root}/')('subreaper');
      try {
        const child = spawnBound('sh', ['-c', process.argv[2]], { stdio: 'inherit', graceMs: 100 });
        child.on('exit', (...exit) => console.log(...exit));
      } catch ({ message }) {
        console.log(message);
      }`;
    app = buildSingleExecutable(script, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('runs the command once', async () => {
    const { stdout, stderr } = await runToEnd(startProcess([app, 'echo command; exit 3']));
    expect({ stdout, stderr }).toEqual({ stdout: 'started\ncommand\n3 null\n', stderr: '' });
  });

  test('ends the tree with the app', async () => {
    const { marker, env } = newMarker();
    const owner = startProcess([app, 'trap "" TERM; (setsid sleep 1000 &); echo command; sleep 1000'], {
      env,
    });
    expect([await owner.nextLine(), await owner.nextLine()]).toEqual(['started', 'command']);
    owner.kill('SIGKILL');
    await until(() => runningWith(marker).length === 0, 'nothing of it runs');
  });

  test('says so if there is no node', async () => {
    const { stdout, stderr } = await runToEnd(startProcess([app, 'exit'], { env: { PATH: '/no/such:' } }));
    const why =
      'this program is an app that cannot run subreaper; install node, and add its directory to PATH';
    expect({ stdout, stderr }).toEqual({ stdout: `started\nspawnBound: ${why}\n`, stderr: '' });
  });
});

describe('spawnBound finds a node', () => {
  const advice = 'install node, and add its directory to PATH';
  test.each([
    ['in PATH', dirname(node), 'command\n3 null\n'],
    ['or says that there is none', '', `spawnBound: node is no longer at FILE; ${advice}\n`],
  ])('once its own has been removed: %s', async (_, PATH, output) => {
    const folder = mkdtempSync(join(buildFolder, 'node-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const removed = join(folder, 'node');
    copyFileSync(node, removed);
    const code = `
      import { rmSync } from 'node:fs';
      import { spawnBound } from 'subreaper';
      rmSync(process.execPath);
      try {
        const child = spawnBound('/bin/sh', ['-c', 'echo command; exit 3'], { stdio: 'inherit' });
        child.on('exit', (...exit) => console.log(...exit));
      } catch ({ message }) {
        console.log(message);
      }`;
    const running = startProcess([removed, '--input-type=module', '-e', code], { env: { PATH } });
    const { stdout, stderr } = await runToEnd(running);
    expect({ stdout, stderr }).toEqual({ stdout: output.replace('FILE', removed), stderr: '' });
  });

  /** These are node with another main program, which says what it is. */
  const electron = "Object.defineProperty(process.versions, 'electron', { value: '40.0.0' });";
  test.each([
    ['by pkg', 'process.pkg = {};', { execPath: '/bin/false', PATH: dirname(node) }],
    ['by Electron', electron, { execPath: '/bin/false', PATH: dirname(node) }],
    ['by Electron as node', `${electron} env.ELECTRON_RUN_AS_NODE = '1';`, { execPath: node, PATH: '' }],
  ])('in an app %s it finds node', async (_, become, { execPath, PATH }) => {
    const code = `
      import { spawnBound } from 'subreaper';
      const env = {};
      ${become}
      process.execPath = '${execPath}';
      process.env.PATH = '${PATH}';
      spawnBound('/bin/sh', ['-c', 'exit 3'], { env }).on('exit', (...exit) => console.log(...exit));`;
    const { stdout } = await runToEnd(startProcess([node, '--input-type=module', '-e', code]));
    expect(stdout).toBe('3 null\n');
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
    [['true', 'args'], "'args' is a string; pass an array"],
    [[7], "'command' is 7; pass a string that is not empty"],
    [[''], '\'command\' is ""; pass a string that is not empty'],
    [['true', { shell: 5 }], "'shell' is 5; pass a string, or true or false"],
    [['true', { argv0: 5 }], "'argv0' is 5; pass a string"],
    [['true', { graceMs: -1 }], "'graceMs' is -1; pass a number of milliseconds from 0 to 2147483647"],
  ])('%j is refused', (args, message) => {
    expect(() => spawnBound(...(args as unknown as [string]))).toThrow(
      new TypeError(`spawnBound: ${message}`),
    );
  });
});
