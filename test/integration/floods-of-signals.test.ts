import { expect, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { childrenOf, processStat, until } from '../helpers/proc.ts';
import { type RunningInit, runInit, startInit } from '../helpers/run-init.ts';

const REAL_TIME = 34;
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
    { kinds: '34', count: 20_000 },
    { kinds: '34,35,36,50,64', count: 20_000 },
    { kinds: '10', count: 100_000 },
    { kinds: '18', count: 100_000 },
    { kinds: '10,12,28,34,18', count: 100_000 },
  ])('$count of $kinds: its status', async ({ kinds, count }) => {
    const { code } = await runInit({ mode, command: [actor, 'flood', kinds, String(count)] });
    expect(code).toBe(3);
  });
});

describeModes(['actor', 'prlimit'], 'a flood of signals to init', (mode) => {
  // The queue of signals is the user's: a flood that took all of it would reach into other tests.
  const launch = ['prlimit', '--sigpending=10000', launcher];

  test('that does not end, with --scope tree: SIGTERM arrives amid it', async () => {
    const command = [actor, 'flood-on', '34'];
    const init = await startInit({ mode, launch, options: ['--scope', 'tree'], command });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test.each(['34', '34,45,64', '10', '10,34,18'])(
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
