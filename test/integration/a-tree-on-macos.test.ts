import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyPackage } from '../helpers/copied-package.ts';
import { blindly, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { canListen, freePort } from '../helpers/ports.ts';
import { pretendedMac } from '../helpers/pretended-mac.ts';
import {
  childrenOf,
  descendantsOf,
  type ProcessStat,
  processStat,
  procFile,
  runningWith,
  until,
} from '../helpers/proc.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';
import { createRandom } from '../soak/random.mjs';

// The name of the system is pretended, and ps(1) has the option of macOS: the code is what runs there. As there, orphans go
// to a PID 1 that is not ours.
const app = (name: string) => resolve(import.meta.dirname, '../apps', name);
const script = (code: string) => ['node', '--input-type=module', '-e', code];

/** Starts a command line below a PID 1 that only waits, and says how it ended. */
function start(line: readonly string[]) {
  const mark = randomUUID();
  const pid1 = [
    'sh',
    '-c',
    'ulimit -c 0; exec 3<&0; "$@" <&3 3<&- & wait $!; echo "status $?"; exec sleep 1000',
    'sh',
  ];
  const running = startProcess(['unshare', ...(unshareArguments ?? []), '--', ...pid1, ...line], {
    env: { ...process.env, PATH: `${pretendedMac()}:${process.env['PATH']}`, MARK: mark },
  });
  const pid1Of = () => childrenOf(running.pid)[0]?.pid;
  return {
    ...running,
    /** The process of the command line. */
    owner: () =>
      until(() => {
        const pid1 = pid1Of();
        return pid1 === undefined ? undefined : childrenOf(pid1)[0]?.pid;
      }, 'the owner has been forked'),
    /** All but unshare(1) and PID 1. */
    left: () => runningWith(mark).filter(({ pid }) => pid !== running.pid && pid !== pid1Of()),
  };
}

const hardTree = (port: number, graceMs = 100) => [
  'node',
  app('owner.mjs'),
  JSON.stringify({ graceMs }),
  'node',
  app('tree-of-nodes.cjs'),
  String(port),
];
/** The server and its three. */
const runs = (left: () => readonly { pid: number }[]) => () =>
  left().filter(({ pid }) => /pretend\.cjs\0[^\0]*tree-of-nodes/.test(procFile(pid, 'cmdline'))).length === 4;

/** Until this init has begun to look at its tree, and has done it. */
async function nextLook(init: number): Promise<void> {
  const before = childrenOf(init).map(({ pid }) => pid);
  const ps = await until(() => childrenOf(init).find(({ pid }) => !before.includes(pid)), 'it looks');
  await until(() => processStat(ps.pid) === undefined, 'it has looked');
}

describeWith(['ps', 'namespaces'], 'on macOS', () => {
  describe('a tree that ignores SIGTERM, with daemons, ends', () => {
    test.each(['SIGKILL', 'SIGTERM', 'SIGABRT'] as const)('with %s of its owner', async (signal) => {
      const port = await freePort();
      const { owner, left } = start(hardTree(port));
      const pid = await owner();
      await until(runs(left), 'the tree runs');
      process.kill(pid, signal);
      await until(() => left().length === 0, 'nothing of it runs');
      await until(() => canListen(port), 'the port is free');
    });

    test('with SIGKILL of its owner’s process group', async () => {
      const { owner, left } = start(['setsid', ...hardTree(await freePort())]);
      const pid = await owner();
      await until(runs(left), 'the tree runs');
      expect(processStat(pid)?.group).toBe(pid);
      process.kill(-pid, 'SIGKILL');
      await until(() => left().length === 0, 'nothing of it runs');
    });

    test.each([
      ['an exit of its owner', 'process.exit(4)', ['status 4']],
      ['an exception of its owner', 'throw new Error("crash")', ['status 1']],
      ['kill()', 'child.kill()', ['null SIGKILL', 'status 0']],
      ['kill("SIGKILL")', 'child.kill("SIGKILL")', ['null SIGKILL', 'status 0']],
      ['the end of a block', 'await child[Symbol.asyncDispose]()', ['null SIGKILL', 'status 0']],
    ])('with %s', async (_, end, lines) => {
      const port = await freePort();
      const { left, nextLine } = start(
        script(`
          import { spawnBound } from 'subreaper';
          const line = ['node', [${JSON.stringify(app('tree-of-nodes.cjs'))}, '${port}'], { graceMs: 100 }];
          const child = spawnBound(...line);
          child.on('exit', (...exit) => console.log(...exit));
          child.stdout.once('data', async () => { ${end} });`),
      );
      for (const line of lines) expect(await nextLine()).toBe(line);
      await until(() => left().length === 0, 'nothing of it runs');
    });

    test('with SIGKILL of a shell that owns it by --until-owner', async () => {
      const line = `"$0" --until-owner --grace 100ms -- node "$@" & wait; :`;
      const { owner, left } = start([
        'sh',
        '-c',
        line,
        launcher,
        app('tree-of-nodes.cjs'),
        String(await freePort()),
      ]);
      const pid = await owner();
      await until(runs(left), 'the tree runs');
      process.kill(pid, 'SIGKILL');
      await until(() => left().length === 0, 'nothing of it runs');
    });

    test('a pause with SIGKILL of its owner', async () => {
      const { owner, left } = start(['sh', '-c', '"$0" --until-owner --pause & wait; :', launcher]);
      const pid = await owner();
      await until(() => left().length === 2, 'both run');
      process.kill(pid, 'SIGKILL');
      await until(() => left().length === 0, 'nothing runs');
    });

    test('with its command, without an owner too', async () => {
      // Each says that it runs, and so has its environment.
      const daemon = '("$0" "$1" 0 leaf &) | head -n 1 >/dev/null';
      const script = `${daemon}; ${daemon.replace('(', '(setsid ')}; exit 3`;
      const command = ['sh', '-c', script, 'node', app('tree-of-nodes.cjs')];
      const { left, nextLine } = start([launcher, '--grace', '100ms', '--', ...command]);
      expect(await nextLine()).toBe('status 3');
      await until(() => left().length === 0, 'nothing of it runs');
    });
  });

  test('what a Mac runs: test/macos/owners.test.mjs', async () => {
    const file = resolve(import.meta.dirname, '../macos/owners.test.mjs');
    const { nextLine } = start(['node', '--test-reporter=tap', file]);
    const lines: string[] = [];
    while (!lines.at(-1)?.startsWith('status ')) lines.push(await nextLine());
    expect(lines).toEqual(expect.arrayContaining(['# pass 13', '# fail 0', 'status 0']));
  });

  test('a tree in a tree ends with the outer owner', async () => {
    const inner = [launcher, '--', 'node', app('tree-of-nodes.cjs'), String(await freePort())];
    const { owner, left } = start(['node', app('owner.mjs'), '{"graceMs":0}', ...inner]);
    const pid = await owner();
    await until(runs(left), 'the tree runs');
    process.kill(pid, 'SIGKILL');
    await until(() => left().length === 0, 'nothing of it runs');
  });

  test('who was in the tree once stays in it, without its environment and its parents', async () => {
    // The shell in the middle, and what it starts, have no mark.
    const script = 'env -i /bin/sh -c "sleep 1000 & echo; wait" & read -r _; exit 3';
    const { owner, nextLine, pid, stdin } = start([launcher, '--grace', '100ms', '--', 'sh', '-c', script]);
    const init = await owner();
    await nextLine();
    const { parent } = await until(
      () => descendantsOf(init).find(({ name }) => name === 'sleep'),
      'the last of them runs',
    );
    await nextLook(init);
    const [pid1] = childrenOf(pid) as [ProcessStat];
    process.kill(parent, 'SIGKILL');
    await until(() => childrenOf(pid1.pid).length === 2, 'PID 1 has adopted what it has started');
    stdin.write('\n');
    expect(await nextLine()).toBe('status 3');
    await until(() => childrenOf(pid1.pid).every(({ state }) => state === 'Z'), 'it has ended');
  });

  describe('where ps(1) is of no use', () => {
    test('killTree says so before it sends a signal', async () => {
      const code = `
        import { spawn } from 'node:child_process';
        import { descendants, killTree } from 'subreaper';
        const child = spawn('sleep', ['1000']);
        process.env.PATH = '/no/such';
        await killTree(child.pid).catch(({ code, message }) => console.log(code, message));
        try { descendants(1); } catch ({ code }) { console.log(code); }
        child.on('exit', (...exit) => console.log(...exit));
        child.kill('SIGINT');`;
      const { nextLine } = start(script(code));
      expect(await nextLine()).toBe(
        'ERR_NO_PS ps(1) is of no use, it ended with 1, or did not show this process',
      );
      expect(await nextLine()).toBe('ERR_NO_PS');
      expect(await nextLine()).toBe('null SIGINT');
    });

    test('the command alone gets signals, and its status counts', async () => {
      const code = `
        import { spawnBound } from 'subreaper';
        const env = { ...process.env, PATH: '/bin:/usr/bin' };
        const script = 'trap "exit 5" TERM; echo; while :; do sleep 0.01; done';
        const child = spawnBound('sh', ['-c', script], { env, graceMs: 60_000, stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.once('data', () => child.kill());
        child.on('exit', (...exit) => console.log(...exit));`;
      const { nextLine } = start(script(code));
      expect(await nextLine()).toBe('5 null');
    });
  });

  test('the command has its streams, its channel, its name and its exit code', async () => {
    const command = `
      process.send([process.argv0, fs.readFileSync(0, 'utf8')]);
      fs.writeSync(5, 'sixth');
      process.once('message', () => process.exit(5));`;
    const { nextLine } = start(
      script(`
        import { spawnBound } from 'subreaper';
        const stdio = ['pipe', 'inherit', 'inherit', 'ipc', 'ignore', 'pipe'];
        const line = [${JSON.stringify(process.execPath)}, ['-e', ${JSON.stringify(command)}]];
        const child = spawnBound(...line, { stdio, argv0: 'name' });
        child.stdin.end('input');
        child.on('message', (message) => { console.log(...message); child.send('go'); });
        child.stdio[5].on('data', (data) => console.log(String(data)));
        child.on('close', (...exit) => console.log(...exit));`),
    );
    expect([await nextLine(), await nextLine()].sort()).toEqual(['name input', 'sixth']);
    expect(await nextLine()).toBe('5 null');
  });

  test('the command has its environment, where no /proc tells it to the launcher', async () => {
    const own = {
      ...{ NODE_OPTIONS: '--no-warnings', NODE_PATH: '/no/such', EMPTY: '', TEXT: 'two\nlines é' },
      ...{ PATH: `${pretendedMac()}:${process.env['PATH']}`, PWD: process.cwd(), HOME: '/' },
    };
    const print = 'console.log(JSON.stringify(process.env))';
    const command = [launcher, '--', process.execPath, '-e', print];
    const { code, stdout } = await runToEnd(
      startProcess([...blindly['is missing'], ...command], { env: own }),
    );
    const { SUBREAPER_TREE, _, SHLVL, OLDPWD, ...seen } = JSON.parse(stdout) as Record<string, string>;
    expect({ code, seen }).toEqual({ code: 0, seen: own });
    expect(SUBREAPER_TREE).toMatch(/^subreaper-\d+-\d+$/);
  });

  describe('spawn’s options', () => {
    const tree = ['sh', ['-c', 'setsid sleep 1000 & echo; sleep 1000']];
    test.each([
      [
        'an AbortSignal ends the tree',
        'signal: control.signal',
        'control.abort()',
        ['AbortError', 'null SIGTERM'],
      ],
      ['a timeout ends the tree', 'timeout: 1', '', ['null SIGTERM']],
      ['killSignal is what they send', "timeout: 1, killSignal: 'SIGKILL'", '', ['null SIGKILL']],
    ])('%s', async (_, options, then, lines) => {
      const { left, nextLine } = start(
        script(`
          import { spawnBound } from 'subreaper';
          const control = new AbortController();
          const child = spawnBound(...${JSON.stringify(tree)}, { graceMs: 100, ${options} });
          child.on('error', ({ name }) => console.log(name));
          child.stdout.once('data', () => { ${then} });
          child.on('exit', (...exit) => console.log(...exit));`),
      );
      for (const line of lines) expect(await nextLine()).toBe(line);
      await until(() => left().length === 0, 'nothing of it runs');
    });

    test('uid and gid are the command’s, who may read the package', needs('root'), async () => {
      const { folder } = copyPackage();
      const code = `
        import { spawnBound } from ${JSON.stringify(join(folder, 'subreaper/dist/index.mjs'))};
        const options = { uid: 65534, gid: 65534, stdio: ['ignore', 'inherit', 'inherit'] };
        spawnBound('sh', ['-c', 'echo $(id -u) $(id -g)'], options);`;
      const PATH = `${pretendedMac(folder, join(folder, 'node_modules/koffi'))}:${process.env['PATH']}`;
      const { nextLine } = startProcess(script(code), { env: { ...process.env, PATH } });
      expect(await nextLine()).toBe('65534 65534');
    });
  });

  test.each(['SIGINT', 'SIGHUP', 'SIGKILL'])(
    'a command that ends itself by %s shows that',
    async (signal) => {
      const { nextLine } = start(
        script(`
        import { spawnBound } from 'subreaper';
        const child = spawnBound('sh', ['-c', 'kill -${signal.slice(3)} $$; sleep 1000']);
        child.on('exit', (...exit) => console.log(...exit));`),
      );
      expect(await nextLine()).toBe(`null ${signal}`);
    },
  );

  test('killTree and descendants', async () => {
    const tree = 'setsid sh -c "trap : TERM; sleep 1000 & sleep 1000; sleep 1000" & echo; exec sleep 1000';
    const { nextLine, left } = start(
      script(`
        import { spawn } from 'node:child_process';
        import { once } from 'node:events';
        import { descendants, killTree } from 'subreaper';
        const child = spawn('sh', ['-c', ${JSON.stringify(tree)}]);
        await once(child.stdout, 'data');
        const names = () => descendants(child.pid).map(({ name }) => name).sort().join();
        while (names() !== 'sh,sleep,sleep');
        console.log(names());
        console.log(await killTree(process.ppid).catch(({ message }) => message));
        await killTree(child.pid, { graceMs: 100 });
        console.log(descendants(process.pid).filter(({ name }) => name === 'sleep').length);`),
    );
    expect(await nextLine()).toBe('sh,sleep,sleep');
    expect(await nextLine()).toMatch(/^killTree: \d+ is this process or one of its ancestors/);
    expect(await nextLine()).toBe('0');
    await until(() => left().length === 0, 'nothing of it runs');
  });

  const rounds = Number(process.env['OWNERS'] ?? (isWhole ? 20 : 6));
  test(`an owner SIGKILLed at a random moment of its start leaves nothing: ${rounds} of ${rounds}`, {
    timeout: 3_600_000,
  }, async () => {
    const random = createRandom(Number(process.env['SEED'] ?? Date.now() % 2 ** 32));
    const begun = performance.now();
    const first = start(hardTree(await freePort()));
    await until(runs(first.left), 'the tree runs');
    const startMs = performance.now() - begun;
    for (let round = 0; round < rounds; round++) {
      const { owner, left, kill } = start(hardTree(await freePort(), 500));
      const pid = await owner();
      await new Promise((wake) => setTimeout(wake, random.between(0, 1.5 * startMs)));
      process.kill(pid, 'SIGKILL');
      await until(() => left().length === 0, 'nothing of it runs');
      kill('SIGKILL');
    }
  });
});
