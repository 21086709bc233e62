import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCgroup, enter, membersOf } from '../helpers/cgroup.ts';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { until } from '../helpers/proc.ts';
import { type InitOptions, runInit, startInit } from '../helpers/run-init.ts';

const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' };
/** A workload that needs every duty of init: see actor.c. It ends with 7 if init has done them. */
const duties = [actor, 'duties', '600'];
const options = ['--grace', '10ms'];
/** The kernel kills what has it first. */
const FIRST = 'echo 1000 >/proc/self/oom_score_adj';

/** Runs init and its workload in the group. @param script runs in the group before init */
function inGroup(group: string, command: readonly string[], script = ':'): InitOptions {
  const launch = ['sh', '-c', `${script}; ${enter(group)}`, 'sh', launcher];
  return { launch, options, command, spawn: { env } };
}

/** No more memory than that, and no swap. */
const memory = (limit: string) =>
  createCgroup('memory', { 'memory.limit_in_bytes': limit, 'memory.swappiness': '0' });

describeModes(['actor', 'cgroups'], 'a cgroup', (mode) => {
  test('with room for one process: 125 and one line', async () => {
    const group = createCgroup('pids', { 'pids.max': '1' });
    const exit = await runInit({ mode, ...inGroup(group, ['true']) });
    expect(exit).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^subreaper: [^\n]+, [^\n]+; [^\n]+\n$/),
    });
  });

  test.each([5, 6, 7, 8, 9])(
    'with room for %i processes and threads: the status is that of a workload that starts none',
    async (most) => {
      const group = createCgroup('pids', { 'pids.max': `${most}` });
      expect(await runInit({ mode, ...inGroup(group, ['sh', '-c', 'exit 7']) })).toMatchObject({ code: 7 });
    },
  );

  test('with room for 10 processes and threads: every duty is done', async () => {
    const group = createCgroup('pids', { 'pids.max': '10' });
    expect(await runInit({ mode, ...inGroup(group, duties) })).toMatchObject({ code: 7, signal: null });
  });

  test('with 32 MiB of memory: every duty is done', async () => {
    expect(await runInit({ mode, ...inGroup(memory('32M'), duties) })).toMatchObject({ code: 7 });
  });

  test('whose memory the workload has used up: 137, and init says why', async () => {
    const { code, stderr } = await runInit({
      mode,
      ...inGroup(memory('64M'), ['sh', '-c', `${FIRST}; exec tail /dev/zero`]),
    });
    expect(code).toBe(137);
    expect(stderr).toMatch(/from the OOM killer: limit 64 MiB, peak 64 MiB \(oom_kill 1\)/);
  });

  test('with 1 % of a processor for init: every duty is done', async () => {
    const group = createCgroup('cpu', { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '1000' });
    const command = ['sh', '-c', 'echo ready; read -r _; exec "$@"', 'sh', ...duties];
    const init = await startInit({ mode, options, command, spawn: { env } });
    expect(await init.nextLine()).toBe('ready');
    writeFileSync(join(group, 'cgroup.procs'), `${init.pid}`);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 7, signal: null });
  });

  test('that is frozen while a signal comes, and thawed: the signal goes through, and the status is right', async () => {
    const group = createCgroup('freezer', {});
    const state = join(group, 'freezer.state');
    const command = ['sh', '-c', `trap 'exit 6' USR1; echo ready; while :; do sleep 1000 & wait $!; done`];
    const init = await startInit({ mode, ...inGroup(group, command) });
    // A frozen process cannot be killed.
    onTestFinished(() => writeFileSync(state, 'THAWED'));
    expect(await init.nextLine()).toBe('ready');
    writeFileSync(state, 'FROZEN');
    await until(() => readFileSync(state, 'latin1') === 'FROZEN\n', 'init and its workload are frozen');
    init.kill('SIGUSR1');
    writeFileSync(state, 'THAWED');
    expect(await init.exit).toEqual({ code: 6, signal: null });
  });
});

describeWith(['namespaces', 'cgroups'], 'a cgroup without memory, as PID 1,', () => {
  test('where the kernel kills init: it kills all the rest', async () => {
    const group = memory('64M');
    const rest = `echo 0 >/proc/self/oom_score_adj; sleep 1000 & exec tail /dev/zero`;
    const init = await startInit({ mode: 'pid1', ...inGroup(group, ['sh', '-c', rest], FIRST) });
    await init.exit;
    expect(readFileSync(join(group, 'memory.oom_control'), 'latin1')).toMatch(/oom_kill [1-9]/);
    // init would have said that the workload was killed.
    expect(init.stderr()).not.toContain('"name":"subreaper"');
    await until(() => membersOf(group).length === 0, 'the namespace is empty');
  });
});
