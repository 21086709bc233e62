import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { actor, launcher, refuse, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, processStat, procFile, until } from '../helpers/proc.ts';
import { type Mode, runInit, startInit, startProcess } from '../helpers/run-init.ts';

const refusing = (calls: string, errno: string) => [refuse, calls, errno, launcher];

describeModes(['actor', 'refuse'], 'where a seccomp filter refuses', (mode) => {
  test.each(['EPERM', 'ENOSYS'])('wait4 (%s), init starts nothing and says why: 125', async (errno) => {
    const exit = await runInit({
      mode,
      launch: refusing('wait4', errno),
      command: ['sh', '-c', 'echo started'],
    });
    expect(exit).toMatchObject({ code: 125, signal: null, stdout: '' });
    expect(exit.stderr).toMatch(
      new RegExp(`^subreaper: cannot start, wait4 failed: ${errno}; allow wait4 .*\n$`),
    );
  });

  test.each([
    ['pidfd_send_signal', 'EPERM'],
    ['pidfd_send_signal', 'ENOSYS'],
    ['pidfd_open', 'ENOSYS'],
    ['pidfd_open,pidfd_send_signal', 'EPERM'],
  ])('%s (%s), --scope tree reaches all the same', async (calls, errno) => {
    const init = await startInit({
      mode,
      launch: refusing(calls, errno),
      options: ['--scope', 'tree'],
      command: ['sh', '-c', `setsid ${actor} signals & exec ${actor} signals`],
    });
    for (let ready = 0; ready < 2; ready++) expect(await init.nextLine()).toMatch(/^ready/);
    init.kill('SIGUSR1');
    expect([await init.nextLine(), await init.nextLine()]).toEqual(['10', '10']);
    expect(init.stderr()).toBe('');
  });

  test.each([
    ['pidfd_open', 'ENOSYS'],
    ['pidfd_open,pidfd_send_signal', 'EPERM'],
    ['pidfd_send_signal', 'EPERM'],
    ['getdents64', 'EPERM'],
    ['waitid', 'ENOSYS'],
  ])('%s (%s), no survivor outlives init', async (calls, errno) => {
    const init = await startInit({
      mode,
      launch: refusing(calls, errno),
      options: ['--grace', '100ms'],
      command: ['sh', '-c', `trap '' TERM; setsid sleep 1000 & echo ready; read -r _; exit 5`],
    });
    expect(await init.nextLine()).toBe('ready');
    const left = descendantsOf(init.pid);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(left.filter(({ pid }) => isRunning(pid))).toEqual([]);
  });
});

/** Limits the descriptors of init, which sets a limit itself when it starts the workload. */
async function limit(pid: number, soft: string): Promise<void> {
  await until(() => /epoll|ep_poll/.test(procFile(pid, 'wchan')), 'init waits for events');
  expect(spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${soft}`]).status).toBe(0);
}

describeWith(['actor', 'prlimit'], 'where no descriptor is left', () => {
  test('a plain subreaper gives up what it cannot see, with a line and the status', async () => {
    const init = await startSurvivor('subreaper', ['--grace', '200ms']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    await limit(init.pid, '3:3');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(init.stderr()).toMatch(/cannot list the remaining processes.*EMFILE/);
    process.kill(survivor.pid, 'SIGKILL');
    await until(() => !isRunning(survivor.pid), 'the survivor is gone');
  });

  test('a plain subreaper ends survivors as soon as there are descriptors again', async () => {
    const init = await startSurvivor('subreaper', ['--grace', '1000s']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    await limit(init.pid, '3:');
    init.stdin.write('\n');
    await until(() => childrenOf(init.pid).length === 1, 'the workload has ended');
    init.kill('SIGTERM');
    init.kill('SIGINT');
    await until(() => init.stderr().includes('killing the remaining processes'), 'init tries to kill');
    await limit(init.pid, '1024:');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(isRunning(survivor.pid)).toBe(false);
  });

  test('PID 1 ends, and the kernel ends the survivor', async () => {
    const init = await startSurvivor('pid1', ['--grace', '200ms']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    await limit(init.pid, '3:3');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(isRunning(survivor.pid)).toBe(false);
  });
});

describeModes(['actor', 'prlimit'], '--scope tree where no descriptor is left', (mode) => {
  test('a stop signal reaches the workload’s process group', async () => {
    const init = await startInit({
      mode,
      options: ['--scope', 'tree'],
      command: ['sh', '-c', `trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done`],
    });
    expect(await init.nextLine()).toBe('ready');
    await limit(init.pid, '3:');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 7, signal: null });
  });

  test('the others get a signal as soon as there are descriptors again, and nobody gets it twice', async () => {
    const init = await startInit({
      mode,
      options: ['--scope', 'tree', '--grace', '1000s'],
      command: ['sh', '-c', `setsid ${actor} signals & exec ${actor} signals`],
    });
    for (let ready = 0; ready < 2; ready++) expect(await init.nextLine()).toMatch(/^ready/);
    await limit(init.pid, '3:');
    init.kill('SIGUSR1');
    expect(await init.nextLine()).toBe('10');
    await until(() => init.stderr().includes('not forwarded to all yet'), 'init says so');
    expect(init.stderr()).toContain('EMFILE');
    await limit(init.pid, '1024:');
    expect(await init.nextLine()).toBe('10');
    // Pending signals arrive in the order of their numbers: a second SIGUSR1 would come first.
    init.kill(64);
    expect([await init.nextLine(), await init.nextLine()]).toEqual(['64', '64']);
  });

  test('a stop signal ends what --until all waits for, or init gives it up with a line', async () => {
    const init = await startInit({
      mode,
      options: ['--until', 'all', '--grace', '200ms'],
      command: [
        'sh',
        '-c',
        `setsid sh -c 'trap "exit 6" TERM; echo ready; while :; do sleep 0.01; done' & read -r _`,
      ],
    });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    const { pid } = await until(() => {
      const children = childrenOf(init.pid);
      return children.length === 1 && children.find((child) => child.session === child.pid);
    }, 'the workload has ended');
    await limit(init.pid, '3:');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 128 + 15, signal: null });
    if (mode === 'subreaper') {
      expect(init.stderr()).toMatch(/cannot list the remaining processes; leaving them behind/);
      process.kill(pid, 'SIGKILL');
    }
    await until(() => !isRunning(pid), 'the daemon has ended');
  });
});

describeWith(['namespaces'], 'where /proc shows the processes of another namespace', () => {
  test('--scope tree: a stop signal reaches the workload', async () => {
    const arguments_ = unshareArguments?.filter((argument) => argument !== '--mount-proc') ?? [];
    const script = `trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done`;
    const outer = startProcess([
      'unshare',
      ...arguments_,
      launcher,
      '--scope',
      'tree',
      '--',
      'sh',
      '-c',
      script,
    ]);
    expect(await outer.nextLine()).toBe('ready');
    const [init] = childrenOf(outer.pid);
    process.kill(init?.pid as number, 'SIGTERM');
    expect(await outer.exit).toEqual({ code: 7, signal: null });
  });
});

function startSurvivor(mode: Mode, options: readonly string[]) {
  const script = `(trap '' TERM; exec setsid -f sleep 1000) & wait; read -r _; exit 5`;
  return startInit({
    mode,
    options: [...options, '-v', '--log-format', 'pretty'],
    command: ['sh', '-c', script],
  });
}

function survivorOf(init: number) {
  return childrenOf(init).find(({ name, session, pid }) => name === 'sleep' && session === pid);
}

function isRunning(pid: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== 'Z';
}
