import { expect, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { pretendedMac } from '../helpers/pretended-mac.ts';
import { childrenOf, descendantsOf, statusField, until } from '../helpers/proc.ts';
import { runInit, startInit } from '../helpers/run-init.ts';
import { receiver } from '../helpers/shell-workloads.ts';
import { CTRL_C, CTRL_Z, initOnTerminal, startTerminal } from '../helpers/terminal.ts';

const caught = (pid: number, signal: number) =>
  ((BigInt(`0x${statusField(pid, 'SigCgt') || 0}`) >> BigInt(signal - 1)) & 1n) === 1n;

/** Runs the code for other platforms here. It depends only on the platform's name and on node's API. */
const launch = [
  'node',
  '-e',
  `Object.defineProperty(process, 'platform', { value: 'darwin' });
   process.env.PATH = ${JSON.stringify(pretendedMac())} + ':' + process.env.PATH;
   process.argv.splice(1, 0, 'subreaper');
   require(${JSON.stringify(launcher)});`,
  // This ends node's options; init's follow.
  '--',
];

describeWith(['ps'], 'where there is no Linux', () => {
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

  test('there is nothing for the doctor to look at', async () => {
    const exit = await runInit({ launch, options: ['doctor'], command: [] });
    expect(exit).toMatchObject({ code: 125, stderr: expect.stringMatching(/^subreaper: .*Linux.*\n$/) });
  });

  test('signals are forwarded, rewritten and dropped', async () => {
    const init = await startInit({
      launch,
      options: ['-r', 'HUP:INT', '-r', 'USR1:0'],
      command: receiver(),
    });
    expect(await init.nextLine()).toMatch(/^ready/);
    init.kill('SIGUSR1');
    init.kill('SIGTERM');
    expect(await init.nextLine()).toBe('15');
    init.kill('SIGHUP');
    expect(await init.nextLine()).toBe('2');
    await until(() => childrenOf(init.pid).length === 1, 'there is one workload');
  });

  test('--pause ends by a stop signal, and by no other', async () => {
    const init = await startInit({ launch: [...launch, '--pause'], command: [] });
    await until(() => caught(init.pid, 3), 'it waits for a stop signal');
    init.kill('SIGWINCH');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });

  test.each([
    { command: 'no-such-command', code: 127 },
    { command: '/etc', code: 126 },
  ])('$command: one line and $code', async ({ command, code }) => {
    const exit = await runInit({ launch, command: [command] });
    expect(exit).toMatchObject({ code, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: [^\n]+\n$/);
  });

  test('one warning names the options that do nothing there', async () => {
    const options = ['--report', '/dev/null', '--restart', 'on-failure:2', '-e', '3:4', '-r', 'HUP:TERM'];
    const { code, stderr } = await runInit({ launch, options, command: ['sh', '-c', 'exit 3'] });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^[^\n]*"level":40[^\n]* --restart, --report[^\n]*\n$/);
  });

  test('one debug record says what is missing', async () => {
    const { stderr } = await runInit({ launch, options: ['-vv'], command: ['true'] });
    expect(stderr).toContain('orphans are not reaped');
  });
});

describeWith(['script', 'bash'], 'on a terminal where there is no Linux', () => {
  test('Ctrl-C ends the workload, once', async () => {
    const script =
      'trap "echo caught; n=1" INT; echo ready; while :; do sleep 0.05; [ -z "$n" ] || exit 6; done';
    const terminal = initOnTerminal({ launch, command: ['sh', '-c', script] });
    await terminal.shows(/ready/);
    terminal.type(CTRL_C);
    await terminal.shows(/caught/);
    expect((await terminal.exit).code).toBe(6);
  });

  test('Ctrl-Z stops both, and fg continues both', async () => {
    const terminal = startTerminal(['bash', '--norc', '-i']);
    await terminal.shows(/[$#] $/);
    const quoted = launch.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    terminal.type(`${quoted} -- sh -c 'echo read''y; read -r line; echo "got $line"'\n`);
    await terminal.shows(/ready/);
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    const stopped = () => descendantsOf(terminal.pid).filter(({ state }) => state === 'T');
    await until(() => stopped().length >= 2, 'init and the workload are stopped');
    terminal.type('fg\n');
    await until(() => stopped().length === 0, 'both run');
    terminal.type('it\n');
    await terminal.shows(/got it/);
    terminal.type('exit\n');
    await terminal.exit;
  });
});

describeWith([], 'an architecture that subreaper is not checked on', () => {
  test('is refused in one line: 125', async () => {
    const fake = launch.map((word) =>
      word.replace("'platform', { value: 'darwin' }", "'arch', { value: 'arm' }"),
    );
    const exit = await runInit({ launch: fake, command: ['true'] });
    expect(exit).toMatchObject({ code: 125, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: [^\n]*its system calls are not checked on arm[^\n]*\n$/);
  });
});
