import { expect, test } from 'vitest';
import { actor, launcher, refuse, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import {
  childrenOf,
  descendantsOf,
  processStat,
  signalIfThere,
  statusField,
  until,
  zombiesOf,
} from '../helpers/proc.ts';
import { type RunningInit, runInit, startInit, startProcess } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';

const SIGCHLD = 17;

const orphans = isWhole ? 2000 : 500;

function ignoresChildren(pid: number): boolean {
  return (BigInt(`0x${statusField(pid, 'SigIgn') || '0'}`) & (1n << BigInt(SIGCHLD - 1))) !== 0n;
}

async function isAsleep(init: RunningInit): Promise<void> {
  await until(() => ignoresChildren(init.pid), 'init has left the reaping to the kernel');
}

async function stop(init: RunningInit): Promise<void> {
  init.kill('SIGSTOP');
  await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
}

describeModes(['actor', 'kernel-reaping'], 'the kernel reaps', (mode) => {
  test('while init is stopped: no zombie of many orphans', async () => {
    const init = await startInit({
      mode,
      command: ['sh', '-c', `read -r _; exec ${actor} orphans ${orphans}`],
    });
    await isAsleep(init);
    await stop(init);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('done');
    expect(zombiesOf(init.pid)).toEqual([]);
    // The last orphan closes the pipe that "done" waits for a moment before it is gone.
    await until(() => childrenOf(init.pid).length === 1, 'no orphan is left');
    expect(zombiesOf(init.pid)).toEqual([]);
    init.kill('SIGCONT');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('and no orphan wakes init', async () => {
    const init = await startInit({
      mode,
      command: ['sh', '-c', `read -r _; exec ${actor} orphans ${orphans}`],
    });
    await isAsleep(init);
    const wakeUps = () => Number(statusField(init.pid, 'voluntary_ctxt_switches'));
    const before = wakeUps();
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('done');
    // In its first second init has a timer.
    expect(wakeUps() - before).toBeLessThan(10);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test.each([
    ['exits', ['sh', '-c', 'read -r _; exit 7'], 7],
    ['is killed', ['sh', '-c', 'read -r _; kill -KILL $$'], 137],
    ['executes another program', ['sh', '-c', 'read -r _; exec sh -c "read -r _; exit 4"'], 4],
    ['leaves its process group', ['sh', '-c', 'setsid sh -c "read -r _; exit 5"; exit $?'], 5],
  ])('a workload that %s: its status', async (_what, command, status) => {
    // What init says of a SIGKILL is not what this is about.
    const init = await startInit({ mode, options: ['-q'], command });
    await isAsleep(init);
    init.stdin.write('\n\n');
    expect(await init.exit).toEqual({ code: status, signal: null });
    expect(init.stderr()).toBe('');
  });

  test.each([
    ['outlives its first thread', 'first-thread', 6],
    ['starts others by vfork', 'vfork', 8],
  ])('a workload that %s: its status', async (_what, kind, status) => {
    const exit = await runInit({ mode, options: ['-q'], command: [actor, kind] });
    expect(exit).toMatchObject({ code: status, signal: null, stderr: '' });
  });

  test('and no run of the workload ignores SIGCHLD', async () => {
    const init = await startInit({
      mode,
      options: ['--restart', 'on-failure:2'],
      command: ['sh', '-c', 'grep SigIgn /proc/self/status; read -r _; exit 1'],
    });
    for (let run = 0; run < 3; run++) {
      expect(await init.nextLine()).toMatch(/^SigIgn:\t0+$/);
      await isAsleep(init);
      init.stdin.write('\n');
    }
    expect(await init.exit).toEqual({ code: 1, signal: null });
  });

  test('and --until all waits for the last descendant', async () => {
    const init = await startInit({
      mode,
      options: ['--until', 'all'],
      command: ['sh', '-c', 'read -r _; exec 3<&0; (read -r _ <&3; echo last) & exit 3'],
    });
    await isAsleep(init);
    init.stdin.write('\n');
    await until(() => !ignoresChildren(init.pid), 'the workload has ended, and init waits again');
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('last');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test('and --until all leaves no zombie, while a daemon outlives the workload', async () => {
    const daemon = `(read -r _ <&3; exec ${actor} orphans ${orphans}) & exit 3`;
    const init = await startInit({
      mode,
      options: ['--until', 'all'],
      command: ['sh', '-c', `read -r _; exec 3<&0; ${daemon}`],
    });
    await isAsleep(init);
    init.stdin.write('\n');
    await until(() => !ignoresChildren(init.pid), 'the workload has ended, and init handles SIGCHLD again');
    // Only then the kernel discards statuses, which /proc does not show.
    await until(() => processStat(init.pid)?.state === 'S', 'init waits for the daemon');
    await stop(init);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('done');
    expect(zombiesOf(init.pid)).toEqual([]);
    init.kill('SIGCONT');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test('and --stop-timeout kills all that is left', async () => {
    const init = await startInit({
      mode,
      options: ['--stop-timeout', '200ms', '--grace', '100ms'],
      command: ['sh', '-c', `trap '' TERM; setsid sleep 1000 & echo ready; while :; do sleep 1; done`],
    });
    expect(await init.nextLine()).toBe('ready');
    await isAsleep(init);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
  });

  test('also with --pause', async () => {
    const init = await startInit({ mode, options: ['--pause'], command: [] });
    await isAsleep(init);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});

describeWith(['actor', 'strace', 'kernel-reaping'], 'the kernel reaps a traced workload', () => {
  test('its status is known once the tracer has seen its end', async () => {
    const init = await startInit({ command: ['sh', '-c', 'read -r _; exit 6'] });
    await isAsleep(init);
    const [workload] = childrenOf(init.pid);
    const { pid } = workload as { pid: number };
    const tracer = startProcess(['strace', '-f', '-o', '/dev/null', '-p', `${pid}`]);
    await until(() => statusField(pid, 'TracerPid') === `${tracer.pid}`, 'the workload is traced');
    tracer.kill('SIGSTOP');
    await until(() => processStat(tracer.pid)?.state === 'T', 'the tracer is stopped');
    init.stdin.write('\n');
    tracer.kill('SIGCONT');
    expect(await init.exit).toEqual({ code: 6, signal: null });
  });
});

// In a PID namespace, where no other process takes the pid.
describeWith(['actor', 'root', 'chosen-pids', 'kernel-reaping'], 'a number that the kernel has freed', () => {
  test('is a stranger’s: no signal of the workload’s gets there', async () => {
    const rounds = Number(process.env['ROUNDS'] ?? 10);
    for (let round = 0; round < rounds; round++) {
      // The shell is PID 1. It and the stranger outlive init.
      const script = '"$@"; echo "status $?"; read -r _';
      const init = [launcher, '--', actor, 'signals'];
      const shell = startProcess(['unshare', ...(unshareArguments ?? []), 'sh', '-c', script, 'sh', ...init]);
      const inNamespace = (await shell.nextLine()).replace('ready ', '');
      const { pid } = await until(
        () => descendantsOf(shell.pid).find((below) => ignoresChildren(below.pid)),
        'init has left the reaping to the kernel',
      );
      process.kill(pid, 'SIGSTOP');
      await until(() => processStat(pid)?.state === 'T', 'init is stopped');
      for (const workload of childrenOf(pid)) signalIfThere(workload.pid, 'SIGKILL');
      await until(() => childrenOf(pid).length === 0, 'the kernel has reaped the workload');

      const entered = startProcess(['nsenter', '-p', '-t', `${pid}`, actor, 'reuse', inNamespace]);
      expect(await entered.nextLine()).toBe(`ready ${inNamespace}`);
      process.kill(pid, round % 2 ? 'SIGUSR1' : 'SIGTERM');
      process.kill(pid, 'SIGCONT');
      expect(await shell.nextLine()).toBe('status 137');
      const stranger = descendantsOf(entered.pid).at(-1) as { pid: number };
      process.kill(stranger.pid, 'SIGUSR2');
      expect(await entered.nextLine()).toBe('12');
      shell.stdin.end();
      await Promise.all([shell.exit, entered.exit]);
    }
  }, 600_000);
});

describeModes(['actor', 'refuse'], 'where the kernel does not tell how a reaped child ended', (mode) => {
  test.each(['ENOTTY', 'EPERM'])('(%s) init reaps, and says nothing', async (errno) => {
    const init = await startInit({
      mode,
      launch: [refuse, 'PIDFD_GET_INFO', errno, launcher],
      command: [actor, 'orphans', '100'],
    });
    expect(await init.nextLine()).toBe('done');
    await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
    expect(ignoresChildren(init.pid)).toBe(false);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
    expect(init.stderr()).toBe('');
  });
});
