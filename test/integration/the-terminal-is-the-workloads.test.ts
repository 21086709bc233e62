import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import {
  allProcesses,
  descendantsOf,
  type ProcessStat,
  processStat,
  statusField,
  until,
} from '../helpers/proc.ts';
import {
  CTRL_BACKSLASH,
  CTRL_C,
  CTRL_Z,
  expectStatus,
  initOnTerminal,
  startTerminal,
  type Terminal,
} from '../helpers/terminal.ts';

function named(terminal: Terminal, name: string): ProcessStat | undefined {
  return descendantsOf(terminal.pid).find((stat) => stat.name === name);
}

function inState(terminal: Terminal, state: string, ...names: string[]): Promise<boolean> {
  return until(
    () => names.every((name) => named(terminal, name)?.state === state),
    `${names} in state ${state}`,
  );
}

function isInForeground(stat: ProcessStat | undefined): boolean {
  return stat !== undefined && stat.foreground === stat.group;
}

describeModes(['script', 'bash'], 'an interactive bash', (mode) => {
  test('has job control', async () => {
    const terminal = initOnTerminal({ mode, command: ['bash', '--norc', '-i', '-m'] });
    await terminal.shows(/[$#] $/);
    terminal.type('sleep 1000\n');
    await inState(terminal, 'S', 'sleep');
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    terminal.type('bg; jobs\n');
    await terminal.shows(/Running/);
    terminal.type('fg\n');
    await until(() => isInForeground(named(terminal, 'sleep')), 'sleep has the terminal');
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'sleep') === undefined, 'sleep has ended');
    await expectStatus(terminal, 130);
    terminal.type('exit 7\n');
    expect(await terminal.exit).toEqual({ code: 7, signal: null });
  });
});

describeModes(['script', 'actor'], 'Ctrl-C and Ctrl-\\', (mode) => {
  test('arrive once', async () => {
    const terminal = initOnTerminal({ mode, command: [actor, 'signals'] });
    await terminal.shows(/ready \d+/);
    terminal.type(CTRL_C);
    await terminal.shows(/2\r/);
    terminal.type(CTRL_BACKSLASH);
    await terminal.shows(/3\r/);
    // It takes its name once the workload runs.
    const init = await until(
      () => descendantsOf(terminal.pid).find(({ name }) => name === 'subreaper'),
      'init has its name',
    );
    // A signal that init forwards arrives after the terminal's own.
    process.kill(init.pid, 64);
    const [between] = await terminal.shows(/[\s\S]*64\r/);
    // init gives the workload the terminal and then continues it, which may come late on a busy machine.
    expect(between.trim().replace(/^18\s+/, '')).toBe('64');
  });
});

describeWith(['script', 'bash'], 'below a shell with job control', () => {
  async function shell(): Promise<Terminal> {
    const terminal = startTerminal(['bash', '--norc', '-i']);
    await terminal.shows(/[$#] $/);
    return terminal;
  }

  test('Ctrl-Z stops both, and fg continues both', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sleep 1000\n`);
    await inState(terminal, 'S', 'subreaper', 'sleep');
    for (let round = 0; round < 3; round++) {
      terminal.type(CTRL_Z);
      await terminal.shows(/Stopped/);
      await inState(terminal, 'T', 'subreaper', 'sleep');
      terminal.type('fg\n');
      await inState(terminal, 'S', 'subreaper', 'sleep');
    }
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
    await expectStatus(terminal, 130);
  });

  test('bg continues both, and leaves the terminal to the shell', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sleep 1000\n`);
    await inState(terminal, 'S', 'subreaper', 'sleep');
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    terminal.type('bg\n');
    await inState(terminal, 'S', 'subreaper', 'sleep');
    terminal.type('echo the shell reads\n');
    await terminal.shows(/\nthe shell reads/);
    terminal.type('kill %1; wait %1\n');
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
    await expectStatus(terminal, 143);
  });

  test('Ctrl-Z stops a whole pipeline', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sleep 1000 | cat\n`);
    await inState(terminal, 'S', 'subreaper', 'sleep', 'cat');
    terminal.type(CTRL_Z);
    await terminal.shows(/Stopped/);
    await inState(terminal, 'T', 'subreaper', 'sleep', 'cat');
    terminal.type('fg\n');
    await inState(terminal, 'S', 'subreaper', 'sleep', 'cat');
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
    await expectStatus(terminal, 0);
  });

  test('started in the background, a workload that reads stops the job', async () => {
    const terminal = await shell();
    // It stops once all threads of init have. bash says so at once, and its fg continues no job that it believes to run.
    terminal.type(`set -b; ${launcher} -- cat &\n`);
    await terminal.shows(/Stopped/);
    await inState(terminal, 'T', 'subreaper', 'cat');
    terminal.type('fg\n');
    await inState(terminal, 'S', 'subreaper', 'cat');
    terminal.type('hello\n');
    await terminal.shows(/hello\r\nhello/);
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
    await expectStatus(terminal, 130);
  });

  test('an orphaned job in the background that wants the terminal stops, and nothing turns in circles', async () => {
    const terminal = await shell();
    const { session } = descendantsOf(terminal.pid)[0] as ProcessStat;
    // The subshell ends, so nothing can be found below script(1) any more.
    const orphan = (name: string) =>
      allProcesses().find((stat) => stat.session === session && stat.name === name);
    onTestFinished(() => {
      for (const name of ['subreaper', 'cat']) {
        const left = orphan(name);
        if (left !== undefined) process.kill(left.pid, 'SIGKILL');
      }
    });
    terminal.type(`(${launcher} -- cat /dev/tty &)\n`);
    await until(() => orphan('cat')?.state === 'T', 'cat is stopped');
    terminal.type('echo the shell reads\n');
    await terminal.shows(/\nthe shell reads/);
    // It stays stopped: each time that cat continued and stopped again, it would wake init.
    const { pid } = await until(() => orphan('subreaper'), 'init has its name');
    await until(() => processStat(pid)?.state === 'S', 'init waits');
    const switches = statusField(pid, 'voluntary_ctxt_switches');
    terminal.type('echo and again\n');
    await terminal.shows(/\nand again/);
    expect(statusField(pid, 'voluntary_ctxt_switches')).toBe(switches);
    process.kill((orphan('cat') as ProcessStat).pid, 'SIGKILL');
    await until(() => processStat(pid) === undefined, 'init has ended');
  });

  test('the rest of a pipeline may read the terminal', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sleep 1000 | sh -c 'read -r line </dev/tty; echo "got $line"'\n`);
    await inState(terminal, 'S', 'subreaper', 'sleep');
    terminal.type('it\n');
    await terminal.shows(/got it/);
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
  });

  test('a workload that stops itself with SIGSTOP gives the terminal to the shell', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sh -c 'read -r _; kill -STOP $$; echo continued; exec sleep 1000'\n`);
    await until(() => isInForeground(named(terminal, 'sh')), 'the workload has the terminal');
    terminal.type('\n');
    await terminal.shows(/Stopped/);
    terminal.type('fg\n');
    await terminal.shows(/continued/);
    await inState(terminal, 'S', 'subreaper', 'sleep');
    terminal.type(CTRL_C);
    await until(() => named(terminal, 'subreaper') === undefined, 'init has ended');
    await expectStatus(terminal, 130);
  });

  test('a stop that --stop-timeout made is no Ctrl-Z', async () => {
    const terminal = await shell();
    // All are stopped before they are killed, so that none forks meanwhile.
    terminal.type(`${launcher} --stop-timeout 1ms -- sh -c 'trap "" TERM; sleep 1000; sleep 1000'\n`);
    await inState(terminal, 'S', 'subreaper', 'sleep');
    process.kill(named(terminal, 'subreaper')?.pid as number, 'SIGTERM');
    await until(() => named(terminal, 'subreaper')?.state !== 'S', 'init has stopped or ended');
    await expectStatus(terminal, 137);
  });

  test('the shell reads on after the workload has ended', async () => {
    const terminal = await shell();
    terminal.type(`${launcher} -- sh -c 'exit 3'\n`);
    await expectStatus(terminal, 3);
  });
});

describeWith(['script', 'namespaces'], 'as PID 1', () => {
  test('Ctrl-Z does not put the workload to sleep for good', async () => {
    const terminal = initOnTerminal({
      mode: 'pid1',
      command: ['sh', '-c', 'trap "echo continued" CONT; while :; do sleep 0.1; done'],
    });
    await inState(terminal, 'S', 'subreaper');
    await until(() => isInForeground(named(terminal, 'sleep')), 'the workload has the terminal');
    terminal.type(CTRL_Z);
    await terminal.shows(/\^Z[\s\S]*continued/);
    terminal.type(CTRL_C);
    expect((await terminal.exit).code).toBe(130);
  });
});

describeWith(['script'], 'without a shell above', () => {
  test('the foreground group is given back at the end', async () => {
    const script = `${launcher} -- sh -c 'exit 3'; echo ended; read -r line; echo "got $line"`;
    const terminal = startTerminal(['sh', '-c', script]);
    await terminal.shows(/ended/);
    terminal.type('it\n');
    await terminal.shows(/got it/);
    expect(await terminal.exit).toEqual({ code: 0, signal: null });
  });

  test('Ctrl-Z does not put the workload to sleep for good', async () => {
    const terminal = initOnTerminal({ command: ['sleep', '1000'] });
    await inState(terminal, 'S', 'subreaper', 'sleep');
    terminal.type(CTRL_Z);
    await terminal.shows(/\^Z/);
    terminal.type(CTRL_C);
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
  });

  test('standard input may be something else', async () => {
    const terminal = startTerminal([
      'sh',
      '-c',
      `${launcher} -- sh -c 'read -r line </dev/tty; echo "got $line"' </dev/null`,
    ]);
    await until(() => descendantsOf(terminal.pid).some(({ name }) => name === 'subreaper'), 'init runs');
    terminal.type('it\n');
    await terminal.shows(/got it/);
    expect(await terminal.exit).toEqual({ code: 0, signal: null });
  });
});
