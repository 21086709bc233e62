import { exec, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { register } from '../../src/in-process/register.ts';
import { descendants, killTree } from '../../src/index.ts';
import { commandLine } from '../../src/process-tree/printable-name.ts';
import {
  failOnLeaks,
  LeakedProcessError,
  type Orphan,
  orphanChain,
  processTree,
  trackProcesses,
  waitForOrphans,
  waitForZombies,
  zombies,
} from '../../src/testing/index.ts';
import { buildFolder, launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { runCode } from '../helpers/own-init.ts';
import { processStat, runningWith, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';

const isRunning = ({ pid }: { pid: number }) => ![undefined, 'Z'].includes(processStat(pid)?.state);
const lastOf = (orphans: readonly Orphan[]) =>
  orphans.filter(({ generation }) => generation === orphans.at(-1)?.generation);

/** The error that stop() rejects with. */
async function leaksOf(tracker: { stop(): Promise<void> }): Promise<LeakedProcessError> {
  const error = await tracker.stop().then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(LeakedProcessError);
  return error;
}

/** Starts a process that ends with the test. */
function start(...line: [string, ...string[]]) {
  const [file, ...args] = line;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as typeof child & { pid: number };
}

/** Prints how they have ended. */
const buildOrphans = `
  import { orphanChain } from 'subreaper/testing';
  import { register } from 'subreaper';
  const ends = [];
  const registration = register({ onReap: ({ code, signal }) => ends.push(code ?? signal) });
  const orphans = await orphanChain({ depth: 2, width: 2, lifeMs: 400, ignoreTerm: true, exitCode: 9 });
  for (const { pid, generation } of orphans) if (generation === 2) process.kill(pid, 'SIGTERM');
  while (registration.reaped < 6) await new Promise((wake) => setTimeout(wake, 5));
  console.log(ends.sort().join());`;

describe('orphanChain', () => {
  test('every parent is gone, and the last generation runs and is adopted', async () => {
    const registration = register();
    const orphans = await orphanChain({ depth: 3, width: 2 });
    expect(orphans.map(({ generation }) => generation)).toEqual([1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]);
    expect(orphans.filter(isRunning)).toEqual(lastOf(orphans));
    for (const { pid } of lastOf(orphans)) {
      expect(processStat(pid)).toMatchObject({
        parent: process.pid,
        name: 'sh',
        session: processStat(process.pid)?.session,
      });
      process.kill(pid, 'SIGINT');
    }
    await until(() => registration.reaped >= orphans.length, 'all are reaped');
    expect(registration.reaped).toBe(orphans.length);
    registration.unregister();
  });

  test('they live as long as they are told to, and end with their exit code', async () => {
    const codes = new Map<number, number | null>();
    const registration = register({ onReap: ({ pid, code }) => codes.set(pid, code) });
    const [orphan] = await orphanChain({ lifeMs: 300, exitCode: 7 });
    const { pid } = orphan as Orphan;
    const ready = performance.now();
    await until(() => codes.has(pid), 'it has ended');
    expect(performance.now() - ready).toBeGreaterThan(290);
    expect(codes.get(pid)).toBe(7);
    registration.unregister();
  });

  test('they ignore SIGTERM, in a session of their own', async () => {
    const registration = register();
    const [orphan] = await orphanChain({ ignoreTerm: true, setsid: true });
    const { pid } = orphan as Orphan;
    expect(processStat(pid)).toMatchObject({ session: pid, group: pid });
    process.kill(pid, 'SIGTERM');
    process.kill(pid, 'SIGCONT');
    expect(isRunning({ pid })).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until(() => registration.reaped === 1, 'it is reaped');
    registration.unregister();
  });

  test('they end with the process that made them', async () => {
    const maker = startProcess([
      'node',
      '--input-type=module',
      '-e',
      `import { orphanChain } from 'subreaper/testing';
       console.log(JSON.stringify(await orphanChain({ width: 3, lifeMs: 1e6 })));
       setInterval(() => {}, 1e6);`,
    ]);
    const orphans: Orphan[] = JSON.parse(await maker.nextLine());
    expect(orphans.filter(isRunning)).toHaveLength(3);
    maker.kill('SIGKILL');
    await until(() => !orphans.some(isRunning), 'the orphans have ended');
  });

  describe.each(['dash', 'bash', 'busybox', 'mksh'] as const)('where sh is %s', (shell) => {
    describeWith([shell], 'it', () => {
      test('builds the same', async () => {
        const bin = mkdtempSync(join(buildFolder, 'bin-'));
        onTestFinished(() => rmSync(bin, { recursive: true }));
        symlinkSync(
          execFileSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).trim(),
          join(bin, 'sh'),
        );
        const { stdout, stderr } = await runCode(buildOrphans, {
          spawn: { env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } },
        });
        expect({ stdout, stderr }).toEqual({ stdout: '0,0,9,9,9,9\n', stderr: '' });
      });
    });
  });

  test('builds the same without sh', async () => {
    const { stdout, stderr } = await runCode(`process.env.PATH = '/no/such/folder';\n${buildOrphans}`);
    expect({ stdout, stderr }).toEqual({ stdout: '0,0,9,9,9,9\n', stderr: '' });
  });
});

describe('waitForOrphans', () => {
  test('waits until all have ended and have been reaped', async () => {
    const registration = register();
    const orphans = await orphanChain({ depth: 2, width: 2, lifeMs: 300 });
    await waitForOrphans(orphans);
    expect(orphans.map(({ pid }) => processStat(pid))).toEqual(orphans.map(() => undefined));
    expect(registration.reaped).toBe(orphans.length);
    registration.unregister();
  });

  test('says which are left', async () => {
    const registration = register();
    const orphans = await orphanChain({ width: 2, lifeMs: 1e6 });
    const [first, second] = orphans as [Orphan, Orphan];
    process.kill(first.pid, 'SIGKILL');
    await waitForOrphans([first]);
    const error = await waitForOrphans(orphans, { timeoutMs: 0 }).catch((error) => error);
    expect(error.message).toMatch(
      new RegExp(`^waitForOrphans: 1 of 2 are left after 0 ms\n${second.pid} sh -c `),
    );
    process.kill(second.pid, 'SIGKILL');
    await waitForOrphans(orphans);
    registration.unregister();
  });

  test('a zombie is not reaped yet', async () => {
    // Nobody waits for its child while the loop is blocked, and a child of node's is no orphan's adopter here.
    const child = start('sleep', '60');
    const orphan = { pid: child.pid, generation: 1 };
    child.kill('SIGKILL');
    const deadline = performance.now() + 120_000;
    while (processStat(child.pid)?.state !== 'Z' && performance.now() < deadline);
    const error = await waitForOrphans([orphan], { timeoutMs: 0 }).catch((error) => error);
    expect(error.message).toContain('1 of 1 are left after 0 ms');
    expect(error.message).toContain('(zombie)');
    await waitForOrphans([orphan]);
  });

  test.each([
    [undefined, {}, "'orphans' is undefined; pass an array"],
    [{}, {}, "'orphans' is an object; pass an array"],
    [[], { timeoutMs: -1 }, "'timeoutMs' is -1; pass a number of milliseconds from 0 to"],
    [[], { timeout: 1 }, "there is no option 'timeout'; use one of timeoutMs"],
  ])('%j with %j is refused', async (orphans, options, message) => {
    const error = await waitForOrphans(orphans as never, options as object).catch((error) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });
});

describe('trackProcesses', () => {
  test('nothing left, nothing thrown', async () => {
    const tracker = trackProcesses();
    execFileSync('true');
    const child = start('sleep', '60');
    child.kill();
    await tracker.stop();
    await tracker.stop();
  });

  test('lists and ends what is left: children, what they started, and orphans', async () => {
    const startMs = performance.now();
    const tracker = trackProcesses({ name: 'this one' });
    const child = start('sh', '-c', 'sleep 60 & echo $!; wait');
    const below = Number(String((await once(child.stdout, 'data'))[0]));
    const [orphan] = await orphanChain({ ignoreTerm: true });
    const error = await leaksOf(tracker);
    const byPid = new Map(error.processes.map((leaked) => [leaked.pid, leaked]));
    expect([...byPid.keys()].sort()).toEqual([child.pid, below, orphan?.pid].sort());
    expect(byPid.get(below)).toEqual({
      pid: below,
      name: 'sleep',
      command: 'sleep 60',
      state: 'S',
      stateName: 'sleeping',
      ageMs: expect.any(Number),
      isOrphan: false,
      parents: [
        { pid: child.pid, name: 'sh' },
        { pid: process.pid, name: 'this process' },
      ],
      holdsOpen: [],
    });
    // Linux tells a start in hundredths of a second, rounded down.
    expect(byPid.get(below)?.ageMs).toBeLessThanOrEqual(performance.now() - startMs + 10);
    expect(byPid.get(orphan?.pid as number)).toMatchObject({ isOrphan: true });
    expect(error.message).toContain('this one left 3 processes running, ended by now:');
    expect(error.message).toMatch(new RegExp(`  ${below} sleep 60\n    sleeping, \\d+\\.\\d s old, below`));
    expect(error.message).toContain(`below ${child.pid} sh < ${process.pid} this process`);
    for (const pid of byPid.keys()) expect(processStat(pid)?.state ?? 'gone').toMatch(/gone|Z/);
    expect(zombies().filter(({ pid }) => pid !== child.pid)).toEqual([]);
  });

  describe('the stack of its error is where the processes were started', () => {
    /** The functions of this file on the stack. */
    const functionsOf = ({ stack = '' }: Error) =>
      [...stack.matchAll(/^ {4}at (?:async )?(\w+) \(.*testing-kit\.test\.ts:\d+:\d+\)$/gm)].map(
        ([, name]) => name,
      );

    test('the process itself', async () => {
      const tracker = trackProcesses();
      const startServer = () => start('sleep', '60');
      const startOther = () => start('true');
      startServer();
      await once(startOther(), 'exit');
      const error = await leaksOf(tracker);
      expect(functionsOf(error)).toEqual(['start', 'startServer']);
      expect(error.stack?.startsWith(`LeakedProcessError: ${error.message}\n    at `)).toBe(true);
      expect(error.stack).not.toMatch(/node:|node_modules/);
    });

    test('an ancestor of it, by way of exec', async () => {
      const tracker = trackProcesses();
      const startShell = () => exec('sleep 60; true');
      startShell();
      expect(functionsOf(await leaksOf(tracker))).toEqual(['startShell']);
    });

    test('several', async () => {
      const tracker = trackProcesses();
      const startOne = () => start('sleep', '60');
      const startAnother = () => start('sleep', '60');
      startOne();
      startAnother();
      expect(functionsOf(await leaksOf(tracker))).toEqual(['start', 'startOne', 'startAnother']);
    });

    test('an orphan whose parent has ended: every call that may have started it', async () => {
      const tracker = trackProcesses();
      const startDaemon = () => start('sh', '-c', 'sleep 60 > /dev/null &');
      const startOther = () => start('true');
      await Promise.all([once(startDaemon(), 'exit'), once(startOther(), 'exit')]);
      expect(functionsOf(await leaksOf(tracker))).toEqual(['start', 'startDaemon', 'startOther']);
    });

    test('after spawnSync, of which node tells nothing: where the tracker was stopped', async () => {
      const tracker = trackProcesses();
      execFileSync('sh', ['-c', 'sleep 60 &'], { stdio: 'ignore' });
      const { stack } = await leaksOf(tracker);
      expect(stack).toMatch(/testing-kit\.test\.ts:\d+:\d+\)?/);
    });

    test('Error is as it was, frozen or not', async () => {
      const limit = Error.stackTraceLimit;
      const tracker = trackProcesses();
      start('true');
      expect(Error.stackTraceLimit).toBe(limit);
      await tracker.stop();
      const { stdout, stderr } = await runCode(
        `import { spawn } from 'node:child_process';
         import { trackProcesses } from 'subreaper/testing';
         Object.freeze(Error);
         const tracker = trackProcesses();
         spawn('sleep', ['60']);
         await tracker.stop().catch(({ stack }) => console.log(stack));`,
        { flags: [] },
      );
      expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/\[eval1\]:5:\d+\n$/), stderr: '' });
    });
  });

  test('await using does the same at the end of its block', async () => {
    const result = await runCode(
      `import { spawn } from 'node:child_process';
       import { trackProcesses } from 'subreaper/testing';
       const tracker = trackProcesses();
       spawn('sleep', ['60']);
       await tracker[Symbol.asyncDispose]().catch(({ name, processes }) => console.log(name, processes[0].command));`,
      { flags: [] },
    );
    expect(result).toEqual({ code: 0, signal: null, stdout: 'LeakedProcessError sleep 60\n', stderr: '' });
  });

  test('what was there before does not count, nor what it starts', async () => {
    const earlier = start('sh', '-c', 'read line; sleep 60 & echo $!; wait');
    const tracker = trackProcesses();
    earlier.stdin.write('\n');
    const below = Number(String((await once(earlier.stdout, 'data'))[0]));
    await tracker.stop();
    expect(isRunning({ pid: below })).toBe(true);
    process.kill(below, 'SIGKILL');
  });

  test('what is allowed stays, with all below it', async () => {
    const asked: string[] = [];
    const tracker = trackProcesses({
      allow: ({ command }) => {
        asked.push(command);
        return command.startsWith('sh ');
      },
    });
    const allowed = start('sh', '-c', 'sleep 60 & echo $!; wait');
    const below = Number(String((await once(allowed.stdout, 'data'))[0]));
    const other = start('sleep', '61');
    const error = await leaksOf(tracker);
    expect(error.processes.map(({ pid }) => pid)).toEqual([other.pid]);
    expect(isRunning({ pid: below })).toBe(true);
    expect(new Set(asked)).toEqual(new Set(['sh -c sleep 60 & echo $!; wait', 'sleep 61']));
    process.kill(below, 'SIGKILL');
  });

  test('what is started in answer to SIGTERM is ended as well', async () => {
    const tracker = trackProcesses();
    const child = start('sh', '-c', 'trap "sleep 62 & exit" TERM; echo; while :; do sleep 0.01; done');
    await once(child.stdout, 'data');
    const error = await leaksOf(tracker);
    expect(error.processes.map(({ pid }) => pid)).toContain(child.pid);
    // It may be found below its parent, or as an orphan.
    const stillRunning = descendants(process.pid).filter(isRunning).map(commandLine);
    expect(stillRunning).not.toContain('sleep 62');
  });

  test('after it orphans go where they went before', async () => {
    const result = await runCode(
      `import { orphanChain, trackProcesses } from 'subreaper/testing';
       import { readFileSync } from 'node:fs';
       const adopts = async () => {
         const [{ pid }] = await orphanChain();
         const isOwn = readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1].split(' ')[1] === String(process.pid);
         process.kill(pid, 'SIGKILL');
         return isOwn;
       };
       const before = await adopts();
       const tracker = trackProcesses();
       const during = await adopts();
       await tracker.stop();
       console.log(before, during, await adopts());`,
      { flags: [] },
    );
    expect(result).toEqual({ code: 0, signal: null, stdout: 'false true false\n', stderr: '' });
  });

  test('a worker thread is told why it cannot', async () => {
    const result = await runCode(
      `import { Worker } from 'node:worker_threads';
       import { once } from 'node:events';
       const worker = new Worker(
         "try { require('subreaper/testing').trackProcesses() } catch (error) { console.log(error.message) }",
         { eval: true, execArgv: [] });
       await once(worker, 'exit');`,
      { flags: [] },
    );
    expect(result.stdout).toMatch(/^trackProcesses: this is a worker thread; [^\n]+\n$/);
  });
});

describe('failOnLeaks', () => {
  test('is not held up by fake timers', async () => {
    const tracker = trackProcesses();
    const child = start('sleep', '60');
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    expect((await leaksOf(tracker)).processes.map(({ pid }) => pid)).toEqual([child.pid]);
  });

  /** A test runner in a few lines: it calls hooks around tests that run at the same time. */
  function hooks(options = {}) {
    const each: { begin?: (context: unknown) => unknown; end?: (context: unknown) => unknown } = {};
    failOnLeaks(
      {
        beforeEach: (hook) => {
          expect(hook).toHaveLength(0);
          each.begin = hook;
        },
        afterEach: (hook) => {
          expect(hook).toHaveLength(0);
          each.end = hook;
        },
      },
      options,
    );
    return each as Required<typeof each>;
  }

  test('tests that run at the same time are looked at together, and named together', async () => {
    const { begin, end } = hooks();
    const [one, two, three] = [{ name: 'one' }, { name: 'two' }, { name: 'three' }];
    await begin(one);
    const child = start('sleep', '60');
    await begin(two);
    await end(one);
    await end(one);
    expect(isRunning(child)).toBe(true);
    await expect(end(two)).rejects.toThrow('one, or two left a process running');
    expect(isRunning(child)).toBe(false);
    await begin(three);
    start('sleep', '60');
    await expect(end(three)).rejects.toThrow('three left a process running');
    await end(three);
  });

  test('a test whose end nobody told is looked at when the next one begins', async () => {
    const testName = (context: { name: string } | undefined) => context?.name ?? 'nameless';
    const { begin, end } = hooks({ testName });
    const aborted = new AbortController();
    await begin({ name: 'skips itself', signal: aborted.signal });
    start('sleep', '60');
    aborted.abort();
    await expect(begin({ name: 'next' })).rejects.toThrow('skips itself left a process running');
    await begin(undefined);
    start('sleep', '60');
    await expect(begin(undefined)).rejects.toThrow('nameless left a process running');
    await begin(undefined);
    await end(undefined);
  });
});

describe('zombies and process trees', () => {
  test('a zombie is found, waited for, and drawn', async () => {
    const parent = start('sh', '-c', 'sh -c "exit 3" & exec sleep 60');
    const [zombie] = await waitForZombies(1, { pid: parent.pid, timeoutMs: 120_000 });
    expect(zombie).toMatchObject({ name: 'sh', state: 'Z', parent: parent.pid });
    await until(
      () => processTree(parent.pid).startsWith(`${parent.pid} sleep 60`),
      'the shell has become sleep',
    );
    expect(zombies(parent.pid)).toEqual([zombie]);
    expect(processTree(parent.pid)).toBe(`${parent.pid} sleep 60\n\`- ${zombie?.pid} [sh] (zombie)`);
    const error = await waitForZombies(0, { pid: parent.pid, timeoutMs: 50 }).catch((error) => error);
    expect(error.message).toBe(
      `waitForZombies: 1 zombies below ${parent.pid} after 50 ms, not 0\n${processTree(parent.pid)}`,
    );
  });

  test('a tree is drawn with its branches', async () => {
    const root = start('sh', '-c', 'sh -c "sleep 60 & sleep 61 & wait" & sleep 62 & echo; wait');
    const drawn = [
      'sh -c sh -c "sleep 60 & sleep 61 & wait" & sleep 62 & echo; wait',
      '|- sh -c sleep 60 & sleep 61 & wait',
      '|  |- sleep 60',
      '|  `- sleep 61',
      '`- sleep 62',
    ].join('\n');
    await until(
      () => processTree(root.pid).replaceAll(/\d+ (?=sh|sleep)/g, '') === drawn,
      'all have started',
    );
    expect(processTree(2 ** 22 + 1)).toBe('');
    await killTree(root.pid);
  });
});

describe('the command line around a test run', () => {
  test.each([
    ['npm test', ['npm', 'test']],
    ['the runner itself', ['sh', '-c', 'node leave.mjs; exit 4']],
  ])('%s leaves no process behind', async (_, command) => {
    const folder = mkdtempSync(join(buildFolder, 'run-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const marker = `subreaper-run-${process.pid}-${command[0]}`;
    writeFileSync(join(folder, 'package.json'), '{ "scripts": { "test": "node leave.mjs; exit 4" } }');
    writeFileSync(
      join(folder, 'leave.mjs'),
      `import { spawn } from 'node:child_process';
       spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
       spawn('sh', ['-c', 'trap "" TERM; sleep 61 & sleep 62'], { detached: true, stdio: 'ignore' }).unref();`,
    );
    const run = startProcess([launcher, '--grace', '200ms', '--', ...command], {
      cwd: folder,
      env: { ...process.env, MARKER: marker },
    });
    expect(await run.exit).toEqual({ code: 4, signal: null });
    expect(runningWith(marker)).toEqual([]);
  });
});
