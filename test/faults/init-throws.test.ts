import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { descendantsOf, processStat } from '../helpers/proc.ts';
import { type Mode, startInit } from '../helpers/run-init.ts';

const seam = resolve(import.meta.dirname, '../helpers/throw-in-handler.cjs');

function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/**
 * Runs a workload with a second process in another session. Both say on standard output that they got SIGTERM, and end.
 * The handler throws from the workload's line on.
 */
async function startThrowing(mode: Mode, handler: string, options: readonly string[] = []) {
  const when = join(temporaryFolder(), 'now');
  const polite = (name: string, then: string) =>
    `trap 'echo ${name} ends; exit 0' TERM; trap : USR1; ${then}; echo ready; while :; do sleep 1000 & wait $!; done`;
  const init = await startInit({
    mode,
    launch: ['node', '--require', seam, launcher],
    options: ['--grace', '1000s', ...options],
    command: [
      'sh',
      '-c',
      polite('workload', `setsid sh -c "$1" & read -r _; : >${when}`),
      'sh',
      polite('other', ':'),
    ],
    spawn: { env: { PATH: process.env['PATH'], THROW_IN: handler, THROW_WHEN: when } },
  });
  expect(await init.nextLine()).toBe('ready');
  const before = descendantsOf(init.pid);
  init.stdin.write('\n');
  expect(await init.nextLine()).toBe('ready');
  return { init, below: () => [...before, ...descendantsOf(init.pid)] };
}

/** init's own lines: a shell says what ended its children. */
function recordsOf(stderr: string): unknown[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

describeModes([], 'an exception in init, once the workload runs,', (mode) => {
  test.each([
    ['setImmediate', 'immediate'],
    ['a signal, which comes through a pipe that uv_poll watches', 'poll'],
    ['a rejected promise', 'rejection'],
  ])('by the handler of %s: one line, the tree ends in order, 125', async (_, handler) => {
    const { init, below } = await startThrowing(mode, handler);
    const tree = below();
    // What goes through all of these handlers.
    init.kill('SIGUSR1');
    const lines = [await init.nextLine(), await init.nextLine()];
    expect(lines.sort()).toEqual(['other ends', 'workload ends']);
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(tree.filter(({ pid, startTime }) => processStat(pid)?.startTime === startTime)).toEqual([]);
    expect(recordsOf(init.stderr())).toMatchObject([
      { level: 60, msg: 'init has failed, it ends the workload', error: `a handler threw: ${handler}` },
    ]);
  });

  test('by the handler of a timer: one line, the tree ends in order, 125', async () => {
    const { init } = await startThrowing(mode, 'timeout', ['--stop-delay', '10ms']);
    init.kill('SIGTERM');
    const lines = [await init.nextLine(), await init.nextLine()];
    expect(lines.sort()).toEqual(['other ends', 'workload ends']);
    expect(await init.exit).toEqual({ code: 125, signal: null });
    expect(init.stderr()).toContain('a handler threw: timeout');
  });

  test('with --restart and --remap-exit 125: no restart, and 125', async () => {
    const { init } = await startThrowing(mode, 'poll', ['--restart', 'always', '-e', '125']);
    init.kill('SIGUSR1');
    expect(await init.exit).toEqual({ code: 125, signal: null });
  });
});
