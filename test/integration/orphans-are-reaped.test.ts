import { expect, test } from 'vitest';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, hasEnded, processStat, until, zombiesOf } from '../helpers/proc.ts';
import { type RunningInit, startInit, startProcess } from '../helpers/run-init.ts';

/** Waits until init has no child but the workload, and so no zombie. */
async function onlyTheWorkloadIsLeft(init: RunningInit): Promise<void> {
  await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
  expect(zombiesOf(init.pid)).toEqual([]);
}

describeModes(['actor'], 'orphans are reaped', (mode) => {
  test('a chain ten deep, its parents dying from the top', async () => {
    const init = await startInit({ mode, command: [actor, 'chain', '10'] });
    expect(await init.nextLine()).toMatch(/^chain/);
    await until(() => descendantsOf(init.pid).length === 11, 'the chain is complete');
    init.stdin.write('end\n');
    expect(await init.nextLine()).toBe('done');
    await onlyTheWorkloadIsLeft(init);
  });

  test('a thousand, one after another', async () => {
    const init = await startInit({ mode, command: [actor, 'orphans', '1000'] });
    expect(await init.nextLine()).toBe('done');
    await onlyTheWorkloadIsLeft(init);
  });

  test('a thousand at once, alive when they become orphans', async () => {
    const script = 'for i in $(seq 1000); do sleep 0.5 & done; echo started; exec sleep 1000';
    const init = await startInit({ mode, command: ['sh', '-c', `sh -c '${script}' & wait`] });
    expect(await init.nextLine()).toBe('started');
    const [, parent] = descendantsOf(init.pid);
    process.kill((parent as { pid: number }).pid, 'SIGKILL');
    // The workload's only child is gone, so the workload ends.
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  test('20,000 zombies that arrive at one instant', async () => {
    const init = await startInit({ mode, command: [actor, 'burst', '20000'] });
    expect(await init.nextLine()).toBe('done');
    await onlyTheWorkloadIsLeft(init);
  });

  test('a daemon by double fork with setsid', async () => {
    const init = await startInit({ mode, command: [actor, 'daemon'] });
    expect(await init.nextLine()).toMatch(/^daemon/);
    const daemon = await until(
      () => childrenOf(init.pid).find(({ session, group, pid }) => session === group && session !== pid),
      'init adopts the daemon',
    );
    process.kill(daemon.pid, 'SIGKILL');
    await until(() => processStat(daemon.pid) === undefined, 'the daemon is reaped');
    await onlyTheWorkloadIsLeft(init);
  });

  test('one that dies while init is stopped', async () => {
    const init = await startInit({ mode, command: [actor, 'daemon'] });
    await init.nextLine();
    const daemon = await until(() => childrenOf(init.pid)[1], 'init adopts the daemon');
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    process.kill(daemon.pid, 'SIGKILL');
    await until(() => hasEnded(daemon.pid), 'the daemon has ended');
    init.kill('SIGCONT');
    await onlyTheWorkloadIsLeft(init);
    await until(() => processStat(init.pid)?.state === 'S', 'init waits');
  });

  test('and signals still arrive during a storm of orphans', async () => {
    const init = await startInit({
      mode,
      command: ['sh', '-c', `trap 'echo term; exit 3' TERM; ${actor} orphans 20000 & echo ready; wait; wait`],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).length > 3, 'the storm has begun');
    init.kill('SIGTERM');
    // The actor's own line may come first.
    const lines: string[] = [];
    while (lines.at(-1) !== 'term') lines.push(await init.nextLine());
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });
});

describeWith(['actor', 'namespaces'], 'a tree of 100 chains that fork and end for ever', () => {
  // In a PID namespace: outside, so many processes would take the machine down.
  const roomForPids = 'echo 4194304 >/proc/sys/kernel/pid_max 2>/dev/null; exec "$@"';
  const inNamespace = (...line: string[]) => [
    'unshare',
    ...(unshareArguments ?? []),
    'sh',
    '-c',
    roomForPids,
    'sh',
    ...line,
  ];
  const init = [launcher, '--grace', '100ms', '--', actor, 'chains', '100'];

  test('is gone when init ends, as PID 1', async () => {
    const running = startProcess(inNamespace(...init));
    expect(await running.nextLine()).toBe('ready');
    running.stdin.write('\n');
    expect(await running.exit).toEqual({ code: 5, signal: null });
  });

  test('is gone when init ends, as a plain subreaper', async () => {
    // The shell is PID 1: processes that init leaves behind would become its children.
    const script = '"$@"; echo "status $?"; set -- /proc/[0-9]*; echo "$# process"';
    const running = startProcess(inNamespace('sh', '-c', script, 'sh', ...init));
    expect(await running.nextLine()).toBe('ready');
    running.stdin.write('\n');
    expect(await running.nextLine()).toBe('status 5');
    expect(await running.nextLine()).toBe('1 process');
  });
});
