import { expect, test } from 'vitest';
import { actor } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { runInit } from '../helpers/run-init.ts';

/** 30 years. */
const LONG_S = 30 * 365 * 86_400;

/** Behind these arguments a command has other clocks than the machine: time_namespaces(7). */
const timeNamespace = (monotonicS: number, bootS: number) => [
  ...['unshare', '--time', '--monotonic', `${monotonicS}`, '--boottime', `${bootS}`, '--fork', '--'],
];

describeModes(['actor', 'time-namespaces'], 'a time namespace where', (mode) => {
  const places: [string, string[]][] = [
    ['CLOCK_MONOTONIC and CLOCK_BOOTTIME are 30 years ahead', timeNamespace(LONG_S, LONG_S)],
    ['CLOCK_BOOTTIME is 30 years ahead of CLOCK_MONOTONIC', timeNamespace(0, LONG_S)],
    ['CLOCK_MONOTONIC is 30 years ahead of CLOCK_BOOTTIME', timeNamespace(LONG_S, 0)],
  ];

  test.each(places)('%s: every duty is done', async (_, under) => {
    const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' };
    const command = [actor, 'duties', '600'];
    const exit = await runInit({ mode, under, options: ['--grace', '10ms'], command, spawn: { env } });
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });

  test.each(places)('%s: the lifetime of an orphan is right', async (_, under) => {
    // It ends before the workload, which its parent has left it to.
    const command = ['sh', '-c', '(sleep 0.5 && echo orphan >&3 &) 3>&1 | read -r _; exit 3'];
    const { code, stderr } = await runInit({ mode, under, options: ['-vv'], command });
    expect(code).toBe(3);
    const records = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const orphans = records.filter(({ event }) => event === 'orphan');
    const lifetimes = orphans.map((record) => record['process.uptime']);
    expect(lifetimes.length).toBeGreaterThan(0);
    expect(Math.max(...lifetimes)).toBeGreaterThanOrEqual(0.5);
    // An hour is more than the test may take, and less than the clocks differ.
    expect(Math.max(...lifetimes)).toBeLessThan(3600);
  });
});
