import { expect, test } from 'vitest';
import { actor } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { childrenOf, until, zombiesOf } from '../helpers/proc.ts';
import { startInit } from '../helpers/run-init.ts';

/**
 * The usual check for a debugger, PTRACE_TRACEME of ptrace(2), makes init a tracer, unasked: the kernel does not reap the
 * child, and stops it at each signal until init lets it go on.
 */
describeModes(['actor'], 'a child that asks to be traced', (mode) => {
  /** Who reaps, and who gets signals. */
  const ways = [[], ['--report', '/dev/null'], ['--scope', 'child'], ['--scope', 'tree']].map((options) => ({
    name: options.join(' '),
    options,
  }));

  test.each(ways)('the workload ends by itself: its status $name', async ({ options }) => {
    const init = await startInit({ mode, options, command: [actor, 'traceme'] });
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test.each(ways)('the workload gets the stop signal $name', async ({ options }) => {
    const init = await startInit({ mode, options, command: [actor, 'traceme'] });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 7, signal: null });
  });

  test('an orphan is reaped when init next wakes', async () => {
    const orphan = `(read -r _ <&3; exec ${actor} traceme <&3) &`;
    const command = ['sh', '-c', `trap '' USR1; exec 3<&0; (${orphan}); exec sleep 1000`];
    const init = await startInit({ mode, command });
    await until(() => childrenOf(init.pid).length === 2, 'init has adopted it');
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('ready');
    init.stdin.write('\n');
    await until(
      () => childrenOf(init.pid).length === 1 || zombiesOf(init.pid).length === 1,
      'the orphan has ended',
    );
    init.kill('SIGUSR1');
    await until(() => childrenOf(init.pid).length === 1, 'it is reaped');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('a survivor gets the signal that asks it to end', async () => {
    const orphan = `(read -r _ <&3; exec ${actor} traceme <&3) &`;
    const command = ['sh', '-c', `exec 3<&0; (${orphan}); exec sleep 1000`];
    // It does not say what it thinks of a SIGKILL.
    const init = await startInit({ mode, options: ['-q', '--grace', '1000s'], command });
    await until(() => childrenOf(init.pid).length === 2, 'init has adopted it');
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('ready');
    const workload = await until(
      () => childrenOf(init.pid).find(({ name }) => name === 'sleep'),
      'the workload has executed sleep',
    );
    process.kill(workload.pid, 'SIGKILL');
    expect(await init.exit).toEqual({ code: 137, signal: null });
  });
});
