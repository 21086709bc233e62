import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { descendants, killTree, type ProcessInfo } from '../../src/index.ts';
import { actor, blindly, buildFolder, unshareArguments } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { hasEnded, processStat, runningWith, statusField, until } from '../helpers/proc.ts';
import { type RunningInit, startProcess } from '../helpers/run-init.ts';

/** Longer than any test: a promise that waits for this grace time never resolves. */
const FOREVER_MS = 2 ** 30;
/** No pid is greater than 2^22: proc_sys_kernel(5). */
const NO_PID = 2 ** 22 + 1;
const SIGRTMAX = 64;

interface Tree extends RunningInit {
  /** The processes of the tree that still run, by a mark in their environment: they may have been adopted. */
  left(): readonly { pid: number }[];
}

/** Starts a tree from a shell script. When the test finishes, what is left of it is killed. */
function startTree(script: string, ...args: string[]): Tree {
  const mark = randomUUID();
  const tree = startProcess(['sh', '-c', script, ...args], { env: { ...process.env, MARK: mark } });
  const left = () => runningWith(mark);
  onTestFinished(() => {
    for (let pids = left(); pids.length > 0; pids = left()) {
      for (const { pid } of pids) killIfAlive(pid);
    }
  });
  return { ...tree, left };
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the snapshot and the kill.
  }
}

/**
 * Waits until so many shells and sleeps are below the root, and so many stopped processes. Processes that an endless
 * shell starts do not count.
 */
async function untilComplete(tree: Tree, { sh = 0, sleep = 0, stopped = 0 }): Promise<ProcessInfo[]> {
  return until(() => {
    const below = descendants(tree.pid);
    const lasting = below.filter(({ parent }) => !commandLine(parent).startsWith('sh\0-c\0while :'));
    // A process may be stopped before its exec.
    const isStopped = ({ state }: ProcessInfo) => state === 'T';
    const named = (wanted: string) =>
      lasting.filter((info) => info.name === wanted && !isStopped(info)).length;
    const isWhole =
      named('sh') === sh &&
      named('sleep') === sleep &&
      named('actor') + named('setsid') === 0 &&
      lasting.filter(isStopped).length === stopped;
    return isWhole && below;
  }, `${sh} shells and ${sleep} sleeps stand`).catch((error) => {
    throw new Error(`${error.message}; ${tree.stderr()}`);
  });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    // It has ended since.
    return '';
  }
}

async function rest(tree: RunningInit): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await tree.nextLine().catch(() => undefined);
    if (line === undefined) return lines;
    lines.push(line);
  }
}

/** A process beside the tree, in the same process group and session, that reports each signal it gets. */
async function startBystander() {
  const bystander = startProcess([actor, 'signals']);
  await bystander.nextLine();
  return {
    async expectUntouched() {
      // Pending signals arrive in the order of their numbers, so this one comes last.
      bystander.kill(SIGRTMAX);
      expect(await bystander.nextLine()).toBe(`${SIGRTMAX}`);
    },
  };
}

function expectParentsFirst(root: number, below: readonly { pid: number; parent: number }[]): void {
  const seen = new Set([root]);
  for (const { pid, parent } of below) {
    expect(seen).toContain(parent);
    seen.add(pid);
  }
}

/** $1 shells, each the child of the one before; $0 is this script. */
const chain = '[ "$1" = 0 ] && exec sleep 1000; sh -c "$0" "$0" $(($1 - 1)); :';

const ignoring = `${actor} ignore 15`;

/** 37 processes, most of which are hard to end; one never stops forking. */
const hard = `
  for i in 1 2 3 4 5 6; do ${ignoring} sleep 1000 & done
  for i in 1 2 3 4; do setsid sleep 1000 & setsid ${ignoring} sleep 1000 & done
  for i in 1 2 3 4; do sleep 1000 & kill -STOP $!; done
  for i in 1 2; do ${ignoring} sh -c 'kill -STOP $$; sleep 1000' & done
  sh -c '${ignoring} sleep 1000 & wait' &
  sh -c '${chain}' '${chain}' 12 &
  ${ignoring} sh -c 'while :; do sleep 0.05 & sleep 0.005; done' &
  wait`;
const HARD = { sh: 1 + 12 + 1, sleep: 6 + 8 + 1 + 1, stopped: 4 + 2 };

describeWith(['actor'], 'descendants', () => {
  test('are every process below, at any depth, in any session, parents before children', async () => {
    const tree = startTree(
      `sh -c '${chain}' '${chain}' 20 & setsid sleep 1000 & sleep 1000 & kill -STOP $!; wait`,
    );
    const below = await untilComplete(tree, { sh: 20, sleep: 2, stopped: 1 });
    expect(below.map(({ pid }) => pid).sort()).toEqual(
      tree
        .left()
        .map(({ pid }) => pid as number)
        .filter((pid) => pid !== tree.pid)
        .sort(),
    );
    expectParentsFirst(tree.pid, below);
    for (const { pid, parent, name, startTime } of below) {
      expect(processStat(pid)).toMatchObject({ parent, name });
      expect(startTime).toBeGreaterThan(0);
    }
  });

  test('of an inner process are its own alone', async () => {
    const tree = startTree(`sh -c '${chain}' '${chain}' 5 & sh -c '${chain}' '${chain}' 5 & wait`);
    const all = await untilComplete(tree, { sh: 10, sleep: 2 });
    const [first, second] = all.filter(({ parent }) => parent === tree.pid) as [ProcessInfo, ProcessInfo];
    const below = [descendants(first.pid), descendants(second.pid)].map((list) => list.map(({ pid }) => pid));
    expect(below.map(({ length }) => length)).toEqual([5, 5]);
    expect([first.pid, second.pid, ...below.flat()].sort()).toEqual(all.map(({ pid }) => pid).sort());
  });

  test('include zombies', async () => {
    const tree = startTree('sleep 0 & exec sleep 1000');
    const [zombie] = await until(() => {
      const below = descendants(tree.pid);
      return below[0]?.state === 'Z' && below;
    }, 'the child has ended');
    expect(zombie).toMatchObject({ parent: tree.pid, name: 'sleep' });
  });

  test('are none below a leaf, and where there is no such process', async () => {
    const tree = startTree('echo ready; exec sleep 1000');
    await tree.nextLine();
    expect(descendants(tree.pid)).toEqual([]);
    expect(descendants(NO_PID)).toEqual([]);
  });

  test.each([
    'a b  c',
    ')',
    ') Z 1 1 1 1',
    '((x) R 2 3',
    'x\n) Z 1 (y',
    '\n',
    '\\n\t"\'',
    'a ) name of more than fifteen bytes',
  ])('are found whatever their name: %j', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const program = join(folder, name);
    symlinkSync(actor, program);
    // The second shell keeps the named process from being the root. Its child shows that the walk goes on below it.
    const tree = startTree('sh -c \'"$0" signals & wait\' "$0" & wait', program);
    expect(await tree.nextLine()).toMatch(/^ready/);
    const below = descendants(tree.pid);
    expect(below).toMatchObject([
      { name: 'sh', parent: tree.pid },
      { name: name.slice(0, 15), parent: below[0]?.pid, state: expect.stringMatching(/^[RS]$/) },
    ]);
    await killTree(tree.pid, { graceMs: 0 });
    expect(tree.left()).toEqual([]);
  });
});

describeWith(['actor'], 'killTree', () => {
  test.each([300, 0])(
    'ends a tree that is hard to end, with %i ms of grace, and nothing else',
    async (graceMs) => {
      const bystander = await startBystander();
      const tree = startTree(hard);
      await untilComplete(tree, HARD);
      await killTree(tree.pid, { graceMs });
      expect(tree.left()).toEqual([]);
      expect(descendants(tree.pid)).toEqual([]);
      expect(await tree.exit).toEqual({ code: null, signal: graceMs === 0 ? 'SIGKILL' : 'SIGTERM' });
      await bystander.expectUntouched();
    },
  );

  test('ends an inner tree, and leaves what is above and beside it', async () => {
    const beside = `${actor} signals &`;
    const tree = startTree(
      `${beside} sh -c 'sh -c "sleep 1000 & wait" & ${ignoring} sleep 1000 & wait' & wait; wait; wait`,
    );
    expect(await tree.nextLine()).toMatch(/^ready/);
    const below = await until(() => {
      const found = descendants(tree.pid);
      return found.filter(({ name }) => name === 'sleep').length === 2 && found;
    }, 'the tree is complete');
    const inner = below.find(({ name, parent }) => name === 'sh' && parent === tree.pid) as ProcessInfo;
    const other = below.find(({ name }) => name === 'actor') as ProcessInfo;
    await killTree(inner.pid, { graceMs: 100 });
    expect(
      tree
        .left()
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([tree.pid, other.pid].sort());
    process.kill(other.pid, SIGRTMAX);
    expect(await tree.nextLine()).toBe(`${SIGRTMAX}`);
  });

  test('does not use up the grace time where SIGTERM is enough, also for what is stopped', async () => {
    const tree = startTree(`
      for i in 1 2 3 4 5 6 7 8; do sleep 1000 & setsid sleep 1000 & done
      for i in 1 2 3 4; do sleep 1000 & kill -STOP $!; done
      sh -c '${chain}' '${chain}' 12 &
      wait`);
    await untilComplete(tree, { sh: 12, sleep: 16 + 1, stopped: 4 });
    await killTree(tree.pid, { graceMs: FOREVER_MS });
    expect(tree.left()).toEqual([]);
    expect(await tree.exit).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('lets a tree end in its own time', async () => {
    const tree = startTree(`
      sh -c 'trap "sleep 0.3; echo child; exit" TERM; echo ready; while :; do sleep 0.01; done' &
      trap "wait; wait; echo parent; exit 7" TERM; echo ready; wait`);
    for (let count = 0; count < 2; count++) expect(await tree.nextLine()).toBe('ready');
    await killTree(tree.pid, { graceMs: FOREVER_MS });
    expect(await rest(tree)).toEqual(['child', 'parent']);
    expect(await tree.exit).toEqual({ code: 7, signal: null });
    expect(tree.left()).toEqual([]);
  });

  test('sends the signal it is told to, and SIGCONT alone beside it', async () => {
    const tree = startTree(`${actor} signals & ${actor} signals & exec ${actor} signals`);
    for (let count = 0; count < 3; count++) expect(await tree.nextLine()).toMatch(/^ready/);
    const done = killTree(tree.pid, { signal: 'SIGUSR2', graceMs: 1000 });
    const lines = await rest(tree);
    await done;
    // SIGUSR2 is 12, SIGCONT 18.
    expect(lines.sort()).toEqual(['12', '12', '12', '18', '18', '18']);
    expect(await tree.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(tree.left()).toEqual([]);
  });

  test('ends with another signal than SIGTERM as early', async () => {
    const script =
      'trap "echo term" TERM; trap "echo hup; exit 6" HUP; echo ready; while :; do sleep 0.01; done';
    const tree = startTree(`sh -c '${script}' & ${script}`);
    expect([await tree.nextLine(), await tree.nextLine()]).toEqual(['ready', 'ready']);
    await killTree(tree.pid, { signal: 'SIGHUP', graceMs: FOREVER_MS });
    expect(await rest(tree)).toEqual(['hup', 'hup']);
    expect(await tree.exit).toEqual({ code: 6, signal: null });
  });

  test('with 0 ms of grace asks nobody', async () => {
    const script = 'trap "echo asked" TERM; echo ready; while :; do sleep 0.01; done';
    const tree = startTree(`sh -c '${script}' & ${script}`);
    expect([await tree.nextLine(), await tree.nextLine()]).toEqual(['ready', 'ready']);
    await killTree(tree.pid, { graceMs: 0 });
    expect(await rest(tree)).toEqual([]);
    expect(await tree.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(tree.left()).toEqual([]);
  });

  test('without options: SIGTERM, and SIGKILL two seconds later', async () => {
    const tree = startTree('trap "echo term" TERM; echo ready; while :; do sleep 0.01; done');
    expect(await tree.nextLine()).toBe('ready');
    const start = performance.now();
    await killTree(tree.pid);
    expect(performance.now() - start).toBeGreaterThanOrEqual(2000);
    expect(await rest(tree)).toEqual(['term']);
    expect(await tree.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('ends what the tree starts during the grace time', async () => {
    const starts = `trap "${ignoring} sh -c \\"echo started; exec sleep 1000\\" &" TERM`;
    const tree = startTree(`${starts}; echo ready; while :; do sleep 0.01; done`);
    expect(await tree.nextLine()).toBe('ready');
    const done = killTree(tree.pid, { graceMs: 1000 });
    expect(await tree.nextLine()).toBe('started');
    await done;
    expect(tree.left()).toEqual([]);
  });

  test('ends a tree that forks without a pause', async () => {
    // The last of these nine never stops forking. Four others ignore SIGTERM, are stopped, or in another session.
    const tree = startTree(`exec ${actor} hostile 9`);
    expect(await tree.nextLine()).toBe('ready');
    await until(
      () => descendants(tree.pid).filter(({ parent }) => parent !== tree.pid).length > 5,
      'the storm has begun',
    );
    await killTree(tree.pid, { graceMs: 0 });
    expect(tree.left()).toEqual([]);
  });

  test('may be asked for twice at once', async () => {
    const tree = startTree(`${ignoring} sleep 1000 & sleep 1000 & wait`);
    await untilComplete(tree, { sleep: 2 });
    await Promise.all([killTree(tree.pid, { graceMs: 100 }), killTree(tree.pid, { graceMs: 0 })]);
    expect(tree.left()).toEqual([]);
  });

  test('signals nothing where there is no such process', async () => {
    const bystander = await startBystander();
    expect(await killTree(NO_PID, { graceMs: FOREVER_MS })).toBeUndefined();
    // To kill(2) these are groups, or every process.
    for (const pid of [0, -1, -process.pid]) await expect(killTree(pid)).rejects.toThrow(TypeError);
    await bystander.expectUntouched();
  });

  test('of a zombie leaves its parent alone', async () => {
    const tree = startTree(`sleep 0 & exec ${actor} signals`);
    expect(await tree.nextLine()).toMatch(/^ready/);
    const zombie = await until(
      () => descendants(tree.pid).find(({ state }) => state === 'Z'),
      'the child has ended',
    );
    await killTree(zombie.pid, { graceMs: FOREVER_MS });
    tree.kill(SIGRTMAX);
    const SIGCHLD = '17';
    let line = SIGCHLD;
    while (line === SIGCHLD) line = await tree.nextLine();
    expect(line).toBe(`${SIGRTMAX}`);
  });
});

test('killTree ends a process whose first thread has ended before the others', async () => {
  // The system call exit(2) ends only the calling thread.
  const exitThread = { x64: 60, arm64: 93 }[process.arch as 'x64' | 'arm64'];
  const script = `require('koffi').load(null).func('long syscall(long, int)')(${exitThread}, 0)`;
  const tree = startTree(`exec node -e "${script}"`);
  onTestFinished(() => killIfAlive(tree.pid));
  await until(() => processStat(tree.pid)?.state === 'Z', 'the first thread has ended');
  expect(Number(statusField(tree.pid, 'Threads'))).toBeGreaterThan(1);
  expect(tree.process.exitCode).toBe(null);
  await killTree(tree.pid, { graceMs: 0 });
  const threads = statusField(tree.pid, 'Threads');
  expect(['', '1']).toContain(threads);
});

describeWith(['namespaces'], 'a /proc that', () => {
  const app = async (under: readonly string[], code: string) => {
    const running = startProcess([...under, 'node', '--input-type=module', '-e', code]);
    return { lines: await rest(running), exit: await running.exit, stderr: running.stderr() };
  };
  const ended = { exit: { code: 0, signal: null }, stderr: '' };

  test.each(Object.entries(blindly))(
    '%s: nothing is signalled, and what looks says why not',
    async (_, under) => {
      const code = `
      import { spawn } from 'node:child_process';
      import { once } from 'node:events';
      import { descendants, killTree, register } from 'subreaper';
      import * as testing from 'subreaper/testing';
      const failOnLeaks = async () => {
        const hooks = [];
        const add = (hook) => hooks.push(hook);
        testing.failOnLeaks({ beforeEach: add, afterEach: add });
        for (const hook of hooks) await hook();
      };
      const child = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] });
      const calls = {
        killTree: () => killTree(child.pid, { graceMs: 0 }),
        descendants: () => descendants(child.pid),
        processTree: () => testing.processTree(child.pid),
        zombies: () => testing.zombies(child.pid),
        waitForZombies: () => testing.waitForZombies(0),
        waitForOrphans: () => testing.waitForOrphans([{ pid: child.pid }]),
        orphanChain: () => testing.orphanChain(),
        trackProcesses: () => testing.trackProcesses(),
        pipeHolders: () => testing.pipeHolders(child.stdout),
        failOnLeaks,
      };
      for (const [name, call] of Object.entries(calls)) {
        const outcome = await (async () => call())().catch(({ code, message }) => code + ' ' + message);
        console.log(name, outcome);
      }
      // Pids that /proc gives to others, and that processes have here too.
      const pids = Array.from({ length: 100 }, (_, index) => index + 1);
      const outcomes = await Promise.allSettled(pids.map((pid) => killTree(pid, { graceMs: 0 })));
      console.log(outcomes.filter(({ reason }) => reason?.code === 'ERR_NO_PROC').length, 'refused');
      const registration = register();
      console.log(registration.orphans().length, 'orphans');
      registration.unregister();
      child.stdin.end('it runs');
      console.log(String((await once(child.stdout, 'data'))[0]));`;
      const names = [
        ...['killTree', 'descendants', 'processTree', 'zombies', 'waitForZombies', 'waitForOrphans'],
        ...['orphanChain', 'trackProcesses', 'pipeHolders', 'failOnLeaks'],
      ];
      const callers = names.map((name) => [name, name === 'failOnLeaks' ? 'trackProcesses' : name]);
      const why = '/proc is not mounted, or shows another PID namespace; mount it';
      const lines = [
        ...callers.map(([name, caller]) => `${name} ERR_NO_PROC ${caller}: ${why}`),
        ...['100 refused', '0 orphans', 'it runs'],
      ];
      expect(await app(under, code)).toEqual({ ...ended, lines });
    },
  );

  test.each(Object.entries(blindly))(
    '%s: killOrphansOnExit warns that it finds no orphans',
    async (_, under) => {
      const code = `
      import { spawnSync } from 'node:child_process';
      import { register } from 'subreaper';
      const registration = register({ killOrphansOnExit: true });
      spawnSync('sh', ['-c', 'exec 3<&0; { read -r _ <&3; } &'], { stdio: ['inherit', 'ignore', 'ignore'] });
      console.log(registration.orphans().length);`;
      const { stderr, ...result } = await app(under, code);
      expect(result).toEqual({ lines: ['0'], exit: { code: 0, signal: null } });
      expect(stderr).toContain(
        'Warning: subreaper: killOrphansOnExit: /proc is not mounted, or shows another PID namespace; mount it\n',
      );
    },
  );
});

describe('where no descriptor is left', () => {
  /** Runs an app with few descriptors, and resolves with the lines that it prints. */
  async function app(code: string) {
    const prelude = `
      import { spawn, spawnSync } from 'node:child_process';
      import { once } from 'node:events';
      import { closeSync, openSync, readFileSync } from 'node:fs';
      import { descendants, killTree, register } from 'subreaper';
      const until = async (read) => { while (!read()) await new Promise((wake) => setTimeout(wake, 5)); };
      /** Six processes, which ignore SIGTERM. */
      async function startTree() {
        const tree = spawn('sh', ['-c', 'trap "" TERM; for i in 1 2 3 4 5; do sleep 1000 & done; wait'], { stdio: 'ignore' });
        await until(() => descendants(tree.pid).filter(({ name }) => name === 'sleep').length === 5);
        const pids = [tree.pid, ...descendants(tree.pid).map(({ pid }) => pid)];
        const runs = (pid) => { try { return !/\\) Z/.test(readFileSync('/proc/' + pid + '/stat', 'utf8')); } catch { return false; } };
        const report = (outcome) => {
          giveBack();
          const left = pids.filter(runs);
          for (const pid of left) process.kill(pid, 'SIGKILL');
          console.log(outcome, left.length);
        };
        return { tree, end: (graceMs) => killTree(tree.pid, { graceMs }).then(() => report('done'), ({ code }) => report(code)) };
      }
      const held = [];
      function takeAll() { try { for (;;) held.push(openSync('/dev/null')); } catch {} }
      const giveBack = (count = held.length) => held.splice(0, count).forEach((one) => closeSync(one));`;
    const line = ['node', '--input-type=module', '-e', prelude + code];
    const running = startProcess(['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh', ...line]);
    return { lines: await rest(running), exit: await running.exit, stderr: running.stderr() };
  }

  const ended = { exit: { code: 0, signal: null }, stderr: '' };

  test.each([
    ['once killTree has begun', 200, 'const done = end(graceMs); takeAll(); await done;'],
    ['once killTree has begun', 0, 'const done = end(graceMs); takeAll(); await done;'],
    ['but one', 200, 'takeAll(); giveBack(1); await end(graceMs);'],
    ['but one', 0, 'takeAll(); giveBack(1); await end(graceMs);'],
    ['for a moment', 200, 'takeAll(); setTimeout(giveBack, 50); await end(graceMs);'],
    ['for a moment', 0, 'takeAll(); setTimeout(giveBack, 50); await end(graceMs);'],
  ])('%s: killTree ends the tree, with %i ms of grace', async (_, graceMs, code) => {
    const result = await app(`const graceMs = ${graceMs}; const { end } = await startTree(); ${code}`);
    expect(result).toEqual({ ...ended, lines: ['done 0'] });
  });

  test('and none is given back: killTree says so, and has signalled nobody', async () => {
    const result = await app(`const { end } = await startTree(); takeAll(); await end(0);`);
    expect(result).toEqual({ ...ended, lines: ['EMFILE 6'] });
  });

  test('killOrphansOnExit kills all the same', async () => {
    const code = `
      const registration = register({ killOrphansOnExit: true });
      spawnSync('sh', ['-c', '(trap "" TERM; sleep 1000 & sleep 1000 & wait) &'], { stdio: 'ignore' });
      await until(() => descendants(process.pid).filter(({ name }) => name === 'sleep').length === 2);
      console.log(descendants(process.pid).map(({ pid }) => pid).join());
      takeAll();
      process.exit(3);`;
    const { lines, ...end } = await app(code);
    expect(end).toEqual({ exit: { code: 3, signal: null }, stderr: '' });
    const orphans = (lines[0] as string).split(',').map(Number);
    expect(orphans).toHaveLength(3);
    const left = orphans.filter((pid) => !hasEnded(pid));
    for (const pid of left) killIfAlive(pid);
    expect(left).toEqual([]);
  });
});

const scenes = join(buildFolder, 'process-tree-scenes.mjs');

beforeAll(() => {
  buildSync({
    entryPoints: [fileURLToPath(new URL('./process-tree-scenes.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    outfile: scenes,
    logLevel: 'warning',
  });
});

/** Runs a scene of process-tree-scenes.ts as PID 1 of a PID namespace. */
async function play(scene: readonly string[], under: readonly string[] = []): Promise<unknown> {
  const line = [...under, 'unshare', ...(unshareArguments ?? []), '--', process.execPath, scenes, ...scene];
  const running = startProcess(line);
  const result = await running.nextLine().catch(() => {
    throw new Error(running.stderr());
  });
  expect(await running.exit).toEqual({ code: 0, signal: null });
  return JSON.parse(result);
}

describeWith(['users', 'util-linux'], 'killTree of processes of another user’s', () => {
  const expected = {
    code: 'EPERM',
    ended: true,
    refusing: [expect.stringMatching(/^[RS]$/), expect.stringMatching(/^[RS]$/)],
  };

  test('fails with EPERM once the others have been killed', async () => {
    expect(await play(['refused', '0'])).toEqual(expected);
  });

  test('and so it does after a grace time', async () => {
    expect(await play(['refused', '200'])).toEqual(expected);
  });
});

describeWith(['chosen-pids'], 'a pid that is another process’s by now', () => {
  const killedBy = (signal: number) => ({ kind: 'killed', signal, coreDumped: false });
  // SIGUSR1, which the script sends at the end.
  const lived = killedBy(10);

  test('descendants still have parents before children', async () => {
    const { root, below } = (await play(['order'])) as {
      root: number;
      below: { pid: number; parent: number }[];
    };
    expect(below).toHaveLength(2);
    // Pids fall from parent to child: /proc lists the youngest first.
    const pids = [root, ...below.map(({ pid }) => pid)];
    expect(pids).toEqual([...pids].sort((a, b) => b - a));
    expectParentsFirst(root, below);
  });

  /** Runs the tests with pidfds or without. */
  function tests(run: (scene: string) => Promise<unknown>): void {
    test('signalProcess', async () => {
      expect(await run('signalProcess')).toEqual({
        toNobody: false,
        toFirst: false,
        toSecond: true,
        second: lived,
      });
    });

    test('killTree, where it is the root', async () => {
      expect(await run('root')).toEqual({ first: killedBy(15), second: lived });
    });

    test('killTree, where it is a member', async () => {
      expect(await run('member')).toEqual({ root: killedBy(9), second: lived });
    });
  }

  describe('is not signalled', () => tests((scene) => play([scene])));

  describeWith(['strace'], 'under strace', () => {
    /** Runs the scene, and expects `opened` of every pidfd_open(2). */
    async function traced(scene: string, inject: readonly string[], opened: RegExp): Promise<unknown> {
      const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const trace = join(folder, 'trace');
      const calls = 'trace=pidfd_open,pidfd_send_signal';
      const result = await play([scene], ['strace', '-f', '-qq', '-o', trace, '-e', calls, ...inject]);
      const lines = readFileSync(trace, 'utf8').split('\n');
      const opens = lines.filter((line) => /pidfd_open.* = /.test(line));
      expect(opens.length).toBeGreaterThan(0);
      for (const line of opens) expect(line).toMatch(opened);
      const sends = lines.filter((line) => line.includes('pidfd_send_signal'));
      expect(sends.length > 0).toBe(inject.length === 0);
      return result;
    }

    describe('is not signalled with pidfds', () => {
      tests((scene) => traced(scene, [], /= (\d+|-1 ESRCH .*)$/));
    });

    describe('is not signalled without pidfds', () => {
      tests((scene) =>
        traced(scene, ['-e', 'inject=pidfd_open:error=ENOSYS'], /= -1 ENOSYS .*\(INJECTED\)$/),
      );
    });
  });
});
