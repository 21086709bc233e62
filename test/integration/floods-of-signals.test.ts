import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { lacking } from '../helpers/needs.ts';
import { childrenOf, processStat, until } from '../helpers/proc.ts';
import { type RunningInit, runInit, startInit } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';

const REAL_TIME = realTimeRange().first;
const stopSignals = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

/** Counts the lines of the actor, each the number of a signal, until the counts are complete. */
async function countLines(init: RunningInit, isComplete: (counts: Map<number, number>) => boolean) {
  const counts = new Map<number, number>();
  while (!isComplete(counts)) {
    const signal = Number(await init.nextLine());
    counts.set(signal, (counts.get(signal) ?? 0) + 1);
  }
  return counts;
}

/** Waits until init has enlarged its pipe: the workload may run before. init sets up the loop of SIGCONT last. */
async function hasStarted(init: RunningInit): Promise<void> {
  await init.nextLine();
  init.kill('SIGCONT');
  expect(await init.nextLine()).toBe('18');
}

/** init logs that it has nothing to forward to: it runs, and reaps. */
async function endWorkload(init: RunningInit): Promise<void> {
  const workload = childrenOf(init.pid).find(({ name }) => name === 'actor');
  expect({ workload, exit: init.process.exitCode, signal: init.process.signalCode }).toMatchObject({
    workload: { parent: init.pid },
    exit: null,
    signal: null,
  });
  process.kill((workload as { pid: number }).pid, 'SIGKILL');
  expect(await init.exit).toEqual({ code: 137, signal: null });
}

async function stop(init: RunningInit): Promise<void> {
  init.kill('SIGSTOP');
  await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
}

describeModes(['actor'], 'a workload that floods init with signals and ends', (mode) => {
  test.each([
    { kinds: `${REAL_TIME}`, count: 20_000 },
    { kinds: `${REAL_TIME},36,37,50,64`, count: 20_000 },
    { kinds: '10', count: 100_000 },
    { kinds: '18', count: 100_000 },
    { kinds: `10,12,28,${REAL_TIME},18`, count: 100_000 },
  ])('$count of $kinds: its status', async ({ kinds, count }) => {
    const { code } = await runInit({ mode, command: [actor, 'flood', kinds, String(count)] });
    expect(code).toBe(3);
  });
});

describeModes(['actor', 'prlimit'], 'a flood of signals to init', (mode) => {
  // The queue of signals is the user's: a flood that took all of it would reach into other tests.
  const launch = ['prlimit', '--sigpending=10000', launcher];

  test('that does not end, with --scope tree: SIGTERM arrives amid it', async () => {
    const command = [actor, 'flood-on', `${REAL_TIME}`];
    const init = await startInit({ mode, launch, options: ['--scope', 'tree'], command });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test.each([`${REAL_TIME}`, `${REAL_TIME},45,64`, '10', `10,${REAL_TIME},18`])(
    'of %s that does not end: SIGTERM arrives amid it',
    async (kinds) => {
      const init = await startInit({ mode, launch, command: [actor, 'flood-on', kinds] });
      expect(await init.nextLine()).toBe('ready');
      init.kill('SIGTERM');
      expect(await init.exit).toEqual({ code: 143, signal: null });
    },
  );

  test('while init is stopped: real-time signals each as often as sent, and every stop signal behind them', async () => {
    const init = await startInit({ mode, command: [actor, 'signals'] });
    await hasStarted(init);
    await stop(init);
    for (let sent = 0; sent < 20_000; sent++) init.kill(REAL_TIME);
    for (const signal of Object.values(stopSignals)) init.kill(signal);
    init.kill('SIGCONT');
    const counts = await countLines(init, (seen) => seen.get(REAL_TIME) === 20_000 && seen.size === 6);
    expect(Object.fromEntries(counts)).toEqual({ 1: 1, 2: 1, 3: 1, 15: 1, 18: 1, [REAL_TIME]: 20_000 });
    await endWorkload(init);
  });

  test('while init runs: real-time signals each as often as sent, and every stop signal behind them', async () => {
    const init = await startInit({ mode, command: [actor, 'signals'] });
    await hasStarted(init);
    for (let sent = 0; sent < 20_000; sent++) init.kill(REAL_TIME);
    for (const signal of Object.values(stopSignals)) init.kill(signal);
    init.kill('SIGCONT');
    const counts = await countLines(init, (seen) => seen.get(REAL_TIME) === 20_000 && seen.size === 6);
    expect(Object.fromEntries(counts)).toEqual({ 1: 1, 2: 1, 3: 1, 15: 1, 18: 1, [REAL_TIME]: 20_000 });
    await endWorkload(init);
  });

  test.each(['SIGUSR1', 'SIGCONT', 'SIGWINCH', 'SIGHUP'] as const)(
    'of %s: SIGTERM behind it',
    async (flood) => {
      const init = await startInit({ mode, command: [actor, 'signals'] });
      await hasStarted(init);
      for (let sent = 0; sent < 50_000; sent++) init.kill(flood);
      init.kill('SIGTERM');
      await countLines(init, (seen) => seen.get(15) === 1);
      await endWorkload(init);
    },
  );
});

/** V8 14 lets a helper thread take part in each scavenge, and waits for it, whatever its options say. */
const isAlone = lacking(
  Number(process.versions.v8.split('.', 1)[0]) < 14
    ? undefined
    : `V8 13 or older: V8 ${process.versions.v8} waits for its helper thread`,
);

describeWith(['strace'], 'amid a flood', () => {
  // Another thread may be in signal handlers without end, and so would init be that waits for it.
  test('init’s first thread waits for no other one', isAlone, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const trace = join(folder, 'trace');
    const under = ['strace', '-f', '-e', 'trace=execve,futex', '-o', trace];
    // Each comes back, so the shell gives init the time to act on many of them.
    const flood = `trap : USR1; n=0; while [ $n -lt ${isWhole ? 30_000 : 5000} ]; do kill -USR1 $PPID; n=$((n + 1)); done; exit 3`;
    const { code } = await runInit({ under, command: ['/bin/sh', '-c', flood] });
    expect(code).toBe(3);
    const calls = readFileSync(trace, 'utf8').split('\n');
    const first = calls[0]?.split(' ', 1)[0];
    const started = calls.findIndex((call) => call.includes('execve("/bin/sh", ["/bin/sh", "-c"'));
    expect(started).toBeGreaterThan(0);
    const waits = (of: readonly string[]) =>
      of.filter((call) => call.startsWith(`${first} `) && call.includes('FUTEX_WAIT'));
    // node's own start has some.
    expect(waits(calls)).not.toEqual([]);
    expect(waits(calls.slice(started))).toEqual([]);
  });
});
