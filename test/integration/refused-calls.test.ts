import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, processStat, until } from '../helpers/proc.ts';
import { type Mode, runInit, startInit } from '../helpers/run-init.ts';

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

describeWith(['actor', 'prlimit'], 'where no descriptor is left', () => {
  test('a plain subreaper gives up what it cannot see, with a line and the status', async () => {
    const init = await startSurvivor('subreaper', ['--grace', '200ms']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    expect(spawnSync('prlimit', ['--pid', `${init.pid}`, '--nofile=3:3']).status).toBe(0);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(init.stderr()).toMatch(/what is left cannot be seen.*EMFILE/);
    process.kill(survivor.pid, 'SIGKILL');
    await until(() => !isRunning(survivor.pid), 'the survivor is gone');
  });

  test('a plain subreaper ends survivors as soon as there are descriptors again', async () => {
    const init = await startSurvivor('subreaper', ['--grace', '1000s']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    expect(spawnSync('prlimit', ['--pid', `${init.pid}`, '--nofile=3:']).status).toBe(0);
    init.stdin.write('\n');
    await until(() => childrenOf(init.pid).length === 1, 'the workload has ended');
    init.kill('SIGTERM');
    init.kill('SIGINT');
    await until(() => init.stderr().includes('killing what is left'), 'init tries to kill');
    expect(spawnSync('prlimit', ['--pid', `${init.pid}`, '--nofile=1024:']).status).toBe(0);
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(isRunning(survivor.pid)).toBe(false);
  });

  test('PID 1 ends, and the kernel ends the survivor', async () => {
    const init = await startSurvivor('pid1', ['--grace', '200ms']);
    const survivor = await until(() => survivorOf(init.pid), 'the survivor runs');
    expect(spawnSync('prlimit', ['--pid', `${init.pid}`, '--nofile=3:3']).status).toBe(0);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(isRunning(survivor.pid)).toBe(false);
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
