import { expect, test } from 'vitest';
import { actor } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { processStat, until } from '../helpers/proc.ts';
import { startInit, startProcess } from '../helpers/run-init.ts';
import { traceTurns } from '../helpers/turns.ts';

const CHILDREN = 1000;
/** What they may get without ending. */
const ignored = '10,12,15,40';

/**
 * A slice of init's time has room for a few hundred calls under strace(1), and one look at all children needs more than
 * five thousand.
 */
const MOST_CALLS = 3000;

describeModes(['actor', 'strace'], 'a workload with 1,000 children', (mode) => {
  test('--scope tree: a forwarded signal does not hold up init', async () => {
    const init = await startInit({
      mode,
      options: ['--scope', 'tree', '-vv'],
      command: [actor, 'ignore', ignored, actor, 'wide', `${CHILDREN}`],
    });
    expect(await init.nextLine()).toBe('ready');
    const turns = await traceTurns(init.pid);
    init.kill('SIGUSR1');
    await until(() => init.stderr().includes('signal forwarded'), 'all have got it');
    const { calls, longest } = await turns();
    expect(calls).toBeGreaterThan(3 * CHILDREN);
    expect(longest).toBeLessThan(MOST_CALLS);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
  });
});

describeWith(['actor', 'strace'], 'a workload that leaves 1,000 children', () => {
  test('their end does not hold up a plain subreaper', async () => {
    const init = await startInit({
      options: ['--grace', '0'],
      command: [actor, 'ignore', ignored, actor, 'wide', `${CHILDREN}`],
    });
    expect(await init.nextLine()).toBe('ready');
    const turns = await traceTurns(init.pid);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
    const { calls, longest } = await turns();
    expect(calls).toBeGreaterThan(3 * CHILDREN);
    expect(longest).toBeLessThan(MOST_CALLS);
  });
});

describeModes(['actor', 'strace'], 'a flood of 100 signals for 300 processes', (mode) => {
  test('--scope tree: init looks once at each process for many of them', async () => {
    // A record of each fits into standard error, though nobody reads it meanwhile.
    const [signals, processes] = [100, 300];
    const init = await startInit({
      mode,
      options: ['--scope', 'tree', '-vv'],
      command: [actor, 'ignore', ignored, actor, 'wide', `${processes}`],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    const flood = startProcess([actor, 'flood-pid', `${init.pid}`, '40', `${signals}`]);
    expect(await flood.exit).toEqual({ code: 0, signal: null });
    const turns = await traceTurns(init.pid);
    init.kill('SIGCONT');
    const isForwarded = /"signal":"SIGRTMIN\+6".*signal forwarded/g;
    await until(() => init.stderr().match(isForwarded)?.length === signals, 'all have got all');
    const { calls, longest } = await turns();
    // A signal to a process is one call. A look for each would be seven.
    expect(calls).toBeGreaterThan(signals * processes);
    expect(calls).toBeLessThan(2.5 * signals * processes);
    expect(longest).toBeLessThan(MOST_CALLS);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 5, signal: null });
  });
});
