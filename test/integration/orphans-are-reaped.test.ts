import { expect, test } from 'vitest';
import { actor } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { descendantsOf, hasEnded, processStat, until } from '../helpers/proc.ts';
import { adoptedDaemon, onlyTheWorkloadIsLeft, startInit } from '../helpers/run-init.ts';
import { daemon, orphans } from '../helpers/shell-workloads.ts';

describeModes([], 'orphans are reaped', (mode) => {
  test('a chain ten deep, its parents dying from the top', needs('actor'), async () => {
    const init = await startInit({ mode, command: [actor, 'chain', '10'] });
    expect(await init.nextLine()).toMatch(/^chain/);
    await until(() => descendantsOf(init.pid).length === 11, 'the chain is complete');
    init.stdin.write('end\n');
    expect(await init.nextLine()).toBe('done');
    await onlyTheWorkloadIsLeft(init);
  });

  test('a thousand, one after another', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', orphans(1000)] });
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

  test('a daemon by double fork with setsid', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', daemon] });
    expect(await init.nextLine()).toMatch(/^daemon/);
    const orphan = await adoptedDaemon(init);
    process.kill(orphan.pid, 'SIGKILL');
    await until(() => processStat(orphan.pid) === undefined, 'the daemon is reaped');
    await onlyTheWorkloadIsLeft(init);
  });

  test('one that dies while init is stopped', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', daemon] });
    await init.nextLine();
    const orphan = await adoptedDaemon(init);
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    process.kill(orphan.pid, 'SIGKILL');
    await until(() => hasEnded(orphan.pid), 'the daemon has ended');
    init.kill('SIGCONT');
    await onlyTheWorkloadIsLeft(init);
    await until(() => processStat(init.pid)?.state === 'S', 'init waits');
  });
});
