import { expect, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { childrenOf, until } from '../helpers/proc.ts';
import { runInit, startInit } from '../helpers/run-init.ts';

/** Runs the code for other platforms here: what it asks of one is the name, and node's own API. */
const launch = [
  'node',
  '-e',
  `Object.defineProperty(process, 'platform', { value: 'darwin' });
   process.argv.splice(1, 0, 'subreaper');
   require(${JSON.stringify(launcher)});`,
  // node's own end of options; init's follows.
  '--',
];

describeWith(['actor'], 'where there is no Linux', () => {
  test('the workload runs, and its exit status is init’s', async () => {
    const exit = await runInit({ launch, command: ['sh', '-c', 'echo "$0"; exit 3', 'it'] });
    expect(exit).toEqual({ code: 3, signal: null, stdout: 'it\n', stderr: '' });
  });

  test('128 + N for a signal, and exit statuses are remapped', async () => {
    expect(await runInit({ launch, command: ['sh', '-c', 'kill -TERM $$'] })).toMatchObject({ code: 143 });
    const options = ['-e', '143:5'];
    expect(await runInit({ launch, options, command: ['sh', '-c', 'kill -TERM $$'] })).toMatchObject({
      code: 5,
    });
  });

  test('signals are forwarded, rewritten and dropped', async () => {
    const init = await startInit({
      launch,
      options: ['-r', 'HUP:INT', '-r', 'USR1:0'],
      command: [actor, 'signals'],
    });
    expect(await init.nextLine()).toMatch(/^ready/);
    init.kill('SIGUSR1');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('15');
    init.kill('SIGHUP');
    expect(await init.nextLine()).toBe('2');
    await until(() => childrenOf(init.pid).length === 1, 'there is one workload');
  });

  test.each([
    { command: 'no-such-command', code: 127 },
    { command: '/etc', code: 126 },
  ])('$command: one line and $code', async ({ command, code }) => {
    const exit = await runInit({ launch, command: [command] });
    expect(exit).toMatchObject({ code, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: [^\n]+\n$/);
  });

  test('one debug record says what is missing', async () => {
    const { stderr } = await runInit({ launch, options: ['-vv'], command: ['true'] });
    expect(stderr).toContain('orphans are not reaped');
  });
});
