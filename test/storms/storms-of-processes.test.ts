import { expect, test } from 'vitest';
import { actor, launcher, unshareArguments } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { descendantsOf, until } from '../helpers/proc.ts';
import { onlyTheWorkloadIsLeft, startInit, startMarked, startProcess } from '../helpers/run-init.ts';

describeModes(['actor'], 'storms', (mode) => {
  test('20,000 zombies that arrive at one instant', async () => {
    const init = await startInit({ mode, command: [actor, 'burst', '20000'] });
    expect(await init.nextLine()).toBe('done');
    await onlyTheWorkloadIsLeft(init);
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

  test('a hostile tree of 200 is gone when init ends, five times in a row', async () => {
    for (let round = 0; round < 5; round++) {
      const init = await startMarked({
        mode,
        options: ['--grace', '200ms'],
        command: [actor, 'hostile', '200'],
      });
      expect(await init.nextLine()).toBe('ready');
      init.stdin.write('\n');
      expect(await init.exit).toEqual({ code: 5, signal: null });
      expect(init.left()).toEqual([]);
    }
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
