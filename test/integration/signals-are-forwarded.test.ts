import { describe, expect, test } from 'vitest';
import { realTimeRange } from '../../src/signals/signal-names.ts';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { childrenOf, processStat, statusField, until } from '../helpers/proc.ts';
import { type RunningInit, runInit, startInit, startProcess } from '../helpers/run-init.ts';
import { receiver } from '../helpers/shell-workloads.ts';

/** The 21 named signals that can be caught, without SIGCHLD and the seven that the kernel raises for faults. */
const named = [1, 2, 3, 10, 12, 13, 14, 15, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
const faults = [4, 5, 6, 7, 8, 11, 31];
const SIGRTMAX = 64;
const { first } = realTimeRange();
const realTime = Array.from({ length: SIGRTMAX - first + 1 }, (_, index) => first + index);

/** Pending signals reach a waiting workload in the order of their numbers: read until the last one sent. */
async function received(init: RunningInit, last: number): Promise<number[]> {
  const signals: number[] = [];
  while (signals.at(-1) !== last) signals.push(Number(await init.nextLine()));
  return signals;
}

function caughtSignals(pid: number): number[] {
  const mask = BigInt(`0x${statusField(pid, 'SigCgt') || 0}`);
  return Array.from({ length: 64 }, (_, index) => index + 1).filter((n) => (mask >> BigInt(n - 1)) & 1n);
}

describeModes([], 'a signal to init', (mode) => {
  test.each([...named, ...realTime])('%i reaches the workload once', async (signal) => {
    const init = await startInit({ mode, command: receiver() });
    expect(await init.nextLine()).toMatch(/^ready/);
    init.kill(signal);
    // If a signal were delivered twice, it would come before the last one.
    const last = signal === SIGRTMAX ? 63 : SIGRTMAX;
    expect(await receivedAfter(init, signal, last)).toEqual([signal]);
  });

  /** The signals that arrived before `marker`, which is sent once the first has arrived. */
  async function receivedAfter(init: RunningInit, first: number, marker: number): Promise<number[]> {
    const signals = await received(init, first);
    init.kill(marker);
    const more = await received(init, marker);
    return [...signals, ...more.slice(0, -1)];
  }

  test('50 queued real-time signals of one kind all arrive', needs('actor'), async () => {
    const init = await startInit({ mode, command: [actor, 'signals'] });
    await init.nextLine();
    process.kill(init.pid, 'SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    for (let count = 0; count < 50; count++) init.kill(40);
    process.kill(init.pid, 'SIGCONT');
    const signals = await received(init, 40);
    while (signals.filter((signal) => signal === 40).length < 50) signals.push(...(await received(init, 40)));
    init.kill(SIGRTMAX);
    const rest = await received(init, SIGRTMAX);
    expect([...signals, ...rest].filter((signal) => signal === 40)).toHaveLength(50);
  });

  test('rewritten and dropped', async () => {
    const options = ['-r', 'TERM:INT', '-rHUP:0', '--rewrite=RTMIN+3:USR2', '-r', '12:RTMAX-1'];
    const init = await startInit({ mode, options, command: receiver() });
    await init.nextLine();
    const seen: number[] = [];
    for (const [sent, expected] of [
      [15, 2],
      [first + 3, 12],
      [12, 63],
    ] as const) {
      init.kill(sent);
      seen.push(...(await received(init, expected)));
    }
    init.kill(1);
    init.kill(SIGRTMAX);
    seen.push(...(await received(init, SIGRTMAX)));
    expect(seen).toEqual([2, 12, 63, SIGRTMAX]);
  });

  /** A shell and its child, which both report SIGTERM. The shell waits for the child. */
  const family =
    'trap "echo parent" TERM; sh -c "trap \'echo child; exit\' TERM; echo ready; while :; do sleep 0.01; done" & wait; wait';

  test('reaches the whole process group', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', family] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect([await init.nextLine(), await init.nextLine()].sort()).toEqual(['child', 'parent']);
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  test('reaches the workload alone with --scope child', async () => {
    const init = await startInit({ mode, options: ['--scope', 'child'], command: ['sh', '-c', family] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('parent');
    // The child runs until it gets a signal itself.
    const [shell] = childrenOf(init.pid);
    const [child] = childrenOf((shell as { pid: number }).pid);
    process.kill((child as { pid: number }).pid, 'SIGTERM');
    expect(await init.nextLine()).toBe('child');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  test('no handler of init’s for the signals that the kernel raises for faults', async () => {
    const init = await startInit({ mode, command: receiver() });
    await init.nextLine();
    const bare = startProcess(['node', '-e', 'console.log("ready"); process.stdin.resume()']);
    await bare.nextLine();
    const ofInit = caughtSignals(init.pid);
    expect(ofInit.filter((signal) => faults.includes(signal))).toEqual(
      caughtSignals(bare.pid).filter((signal) => faults.includes(signal)),
    );
    const ofLibc = [32, 33];
    // Where the kernel reaps, it is ignored.
    const SIGCHLD = 17;
    expect(ofInit.filter((signal) => ![...faults, ...ofLibc, SIGCHLD].includes(signal))).toEqual(
      [...named, ...realTime].sort((a, b) => a - b),
    );
  });

  test('a workload that ends by it: 128 + N', async () => {
    const init = await startInit({ mode, command: ['sleep', '1000'] });
    await until(() => childrenOf(init.pid).some(({ name }) => name === 'sleep'), 'the workload runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
    expect(init.stderr()).toBe('');
  });
});

describeModes(['actor', 'strace'], 'a signal sent before the workload runs', (mode) => {
  test('is held, and delivered once it does', async () => {
    const signals = [1, 15, 50, 50];
    // init asks for a parent-death signal with prctl(2) between its first handler and the spawn: strace makes that
    // call take a second. The workload starts with the signals blocked, as init was, so that none can end it.
    const init = await startInit({
      mode,
      under: [
        'strace',
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        'trace=prctl',
        '-e',
        'inject=prctl:delay_enter=1000000',
      ],
      launch: [actor, 'block', [...new Set(signals)].join(), launcher],
      options: ['-p', 'USR1'],
      command: [actor, 'signals'],
    });
    await until(() => caughtSignals(init.pid).includes(SIGRTMAX), 'init holds signals');
    await until(() => childrenOf(init.pid).length === 0, 'init has waited for the launcher’s child');
    for (const signal of signals) init.kill(signal);
    expect(childrenOf(init.pid)).toEqual([]);
    expect(await init.nextLine()).toMatch(/^ready/);
    // Pending signals have no order among threads and kinds. Only real-time signals of one kind do.
    const arrived: number[] = [];
    while (arrived.length < signals.length) arrived.push(Number(await init.nextLine()));
    expect(arrived.sort((a, b) => a - b)).toEqual(signals);
    init.kill(SIGRTMAX);
    expect(await received(init, SIGRTMAX)).toEqual([SIGRTMAX]);
  });
});

describe('a signal that the C library keeps for itself', () => {
  const reserved = Array.from({ length: first - 32 }, (_, index) => 32 + index);

  test.each(reserved)('%i cannot be rewritten to another, because it never arrives', async (signal) => {
    const exit = await runInit({ options: ['-r', `${signal}:TERM`], command: ['true'] });
    expect(exit).toMatchObject({
      code: 125,
      stderr: expect.stringContaining(`does not forward '${signal}'`),
    });
  });

  test.each(reserved)('%i can be sent to the workload', async (signal) => {
    const init = await startInit({ options: ['-r', `TERM:${signal}`], command: ['sleep', '1000'] });
    await until(() => childrenOf(init.pid).some(({ name }) => name === 'sleep'), 'the workload runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 128 + signal, signal: null });
  });

  test.each(reserved)('%i to PID 1 changes nothing', needs('namespaces'), async (signal) => {
    const init = await startInit({ mode: 'pid1', command: receiver() });
    expect(await init.nextLine()).toMatch(/^ready/);
    init.kill(signal);
    init.kill(SIGRTMAX);
    expect(await received(init, SIGRTMAX)).toEqual([SIGRTMAX]);
  });
});

describeWith(['actor'], 'a workload that has left its group for init’s', () => {
  test('is still reached', async () => {
    const init = await startInit({ command: [actor, 'join'] });
    expect(await init.nextLine()).toBe('joined');
    const workload = childrenOf(init.pid).find(({ name }) => name === 'actor');
    expect(workload?.group).toBe(processStat(init.pid)?.group);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 7, signal: null });
  });
});
