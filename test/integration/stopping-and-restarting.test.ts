import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { descendantsOf, processStat, until } from '../helpers/proc.ts';
import { adoptedDaemon, type RunningInit, runInit, startInit, startProcess } from '../helpers/run-init.ts';
import { daemon, receiver } from '../helpers/shell-workloads.ts';
import { CTRL_C, initOnTerminal, type Terminal } from '../helpers/terminal.ts';
import { isWhole } from '../helpers/whole.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const records = (stderr: string) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describeModes(['actor'], '--scope tree', (mode) => {
  test('a signal reaches every descendant once, also in other sessions', async () => {
    const command = ['sh', '-c', `setsid ${actor} signals & ${actor} signals & exec ${actor} signals`];
    const init = await startInit({ mode, options: ['--scope', 'tree'], command });
    for (let ready = 0; ready < 3; ready++) expect(await init.nextLine()).toMatch(/^ready/);
    init.kill('SIGTERM');
    const lines: string[] = [];
    while (lines.filter((line) => line === '64').length < 3) {
      lines.push(await init.nextLine());
      if (lines.length === 3) init.kill(64);
    }
    expect(lines.sort()).toEqual(['15', '15', '15', '64', '64', '64']);
  });
});

describeModes([], 'a stop signal', (mode) => {
  test('is held for --stop-delay, and a second one lets both through at once', async () => {
    const init = await startInit({
      mode,
      options: ['-v', '--stop-delay', '1000s'],
      command: receiver(),
    });
    await init.nextLine();
    init.kill('SIGTERM');
    await until(() => init.stderr().includes('stop signal held'), 'the delay has begun');
    // init does not hold other signals.
    init.kill('SIGUSR1');
    expect(await init.nextLine()).toBe('10');
    init.kill('SIGINT');
    expect([await init.nextLine(), await init.nextLine()].sort()).toEqual(['15', '2']);
    const held = records(init.stderr()).filter(({ msg }) => msg === 'stop signal held');
    expect(held).toMatchObject([{ level: 30, stopDelayMs: 1_000_000 }]);
  });

  test('goes through when the delay is over', async () => {
    const init = await startInit({
      mode,
      options: ['--stop-delay', '50ms'],
      command: ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.01; done'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 9, signal: null });
    // Nothing was wrong.
    expect(records(init.stderr())).toEqual([]);
  });

  test('the workload may end during the delay', async () => {
    const init = await startInit({
      mode,
      options: ['-v', '--stop-delay', '1000s'],
      command: ['sh', '-c', 'echo ready; read -r _; exit 4'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    await until(() => init.stderr().includes('stop signal held'), 'the delay has begun');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 4, signal: null });
  });

  test('--stop-timeout kills the tree of a workload that still runs: 137', async () => {
    const script = 'trap "" TERM; setsid sleep 1000 & echo ready; sleep 1000; sleep 1000';
    const init = await startInit({
      mode,
      options: ['--stop-timeout', '100ms'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(records(init.stderr())[0]).toMatchObject({
      level: 40,
      msg: expect.stringContaining('stop timeout'),
    });
  });

  test('--stop-timeout does nothing to a workload that ends in time', async () => {
    const init = await startInit({
      mode,
      options: ['--stop-timeout', '1000s'],
      command: ['sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done'],
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 0, signal: null });
    // The shell reports how its sleep ended.
    expect(records(init.stderr())).toEqual([]);
  });
});

describeModes([], '--restart', (mode) => {
  test('on-failure:2: three runs of a workload that fails, and the last one’s status', async () => {
    const exit = await runInit({
      mode,
      options: ['--restart', 'on-failure:2'],
      command: ['sh', '-c', 'echo run; exit 3'],
    });
    expect(exit).toMatchObject({ code: 3, signal: null, stdout: 'run\nrun\nrun\n' });
    expect(records(exit.stderr)).toMatchObject([
      { msg: 'restarting the workload', status: 3, delayMs: 200 },
      { msg: 'restarting the workload', status: 3, delayMs: 400 },
    ]);
  });

  test('on-failure: one run of a workload that does not fail', async () => {
    const exit = await runInit({
      mode,
      options: ['--restart', 'on-failure'],
      command: ['sh', '-c', 'echo run'],
    });
    expect(exit).toEqual({ code: 0, signal: null, stdout: 'run\n', stderr: '' });
  });

  test('always: until a stop signal, and the last run’s status', async () => {
    const init = await startInit({
      mode,
      options: ['--restart', 'always'],
      command: ['sh', '-c', 'echo run; read -r _; exit 0'],
    });
    for (let run = 0; run < 3; run++) {
      expect(await init.nextLine()).toBe('run');
      init.stdin.write('\n');
    }
    expect(await init.nextLine()).toBe('run');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });

  test('a stop signal between two runs ends the wait', async () => {
    const init = await startInit({
      mode,
      options: ['--restart', 'always', '-q', '-v'],
      command: ['sh', '-c', 'echo run; exit 3'],
    });
    for (let run = 0; run < 4; run++) await init.nextLine();
    // By now the wait is 1.6 s.
    await until(() => init.stderr().includes('"delayMs":1600'), 'init waits');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test('a new run begins where the first did: directory, descriptors, ignored signals, limit', async () => {
    const script = 'grep SigIgn /proc/self/status; pwd; ulimit -Sn; cat <&7 | wc -c; exit 1';
    const init = await runInit({
      mode,
      launch: ['sh', '-c', 'trap \'\' HUP; cd /usr; ulimit -Sn 321; exec "$@" 7</etc/passwd', 'sh', launcher],
      options: ['--restart', 'on-failure:1', '-q'],
      command: ['sh', '-c', script.replace('cat <&7 | wc -c', 'test -e /proc/self/fd/7 && echo has-7')],
    });
    const run = 'SigIgn:\t0000000000000001\n/usr\n321\nhas-7\n';
    expect(init).toEqual({ code: 1, signal: null, stdout: run + run, stderr: '' });
  });

  test('only when every process of the last run is gone: a left-over that holds the port', async () => {
    const port = await freePort();
    const app = `
      const { createServer } = require('node:net');
      const { spawn } = require('node:child_process');
      const server = createServer();
      server.on('error', (error) => { console.log(error.code); process.exit(1); });
      server.listen(${port}, '127.0.0.1', () => {
        console.log('bound');
        // The survivor holds the listening socket, ignores SIGTERM, and outlives its parent.
        const script = "trap '' TERM; echo holding; sleep 1000; sleep 1000";
        const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', server._handle.fd], detached: true });
        child.stdout.on('data', () => process.exit(1));
      });`;
    const exit = await runInit({
      mode,
      options: ['--restart', 'on-failure:2', '--grace', '50ms', '-q'],
      command: ['node', '-e', app],
    });
    expect(exit).toEqual({ code: 1, signal: null, stdout: 'bound\nbound\nbound\n', stderr: '' });
  });
});

describeModes([], 'a stop signal that was ignored at the start', (mode) => {
  const launch = ['sh', '-c', `trap '' INT TERM; exec "$@"`, 'sh', launcher];
  const command = ['sh', '-c', 'echo run; read -r _; exit 3'];
  const ignored = ['SIGINT', 'SIGTERM'] as const;

  /** Sends both, one after the other. */
  async function sendTo(init: RunningInit, action: string): Promise<void> {
    for (const signal of ignored) {
      init.kill(signal);
      const isDone = (record: Record<string, unknown>) =>
        String(record['msg']).startsWith(action) && record['signal'] === signal;
      await until(() => records(init.stderr()).some(isDone), `${signal}: ${action}`);
    }
    // init says so of each signal that counts as a stop, before it forwards it.
    expect(init.stderr()).not.toContain('"stop signal received"');
  }

  async function startRun(options: readonly string[]): Promise<RunningInit> {
    const init = await startInit({ mode, launch, options: [...options, '-vv'], command });
    expect(await init.nextLine()).toBe('run');
    // Until then the signal is ignored, as it was when init started.
    await until(() => init.stderr().includes('workload started'), 'init listens');
    await sendTo(init, 'signal forwarded');
    return init;
  }

  test('starts no --stop-timeout', async () => {
    const init = await startRun(['--stop-timeout', '1ms']);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    expect(init.stderr()).not.toContain('stop timeout');
  });

  test('ends no --restart', async () => {
    const init = await startRun(['--restart', 'on-failure:1']);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('run');
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
  });

  test('ends no --pause', async () => {
    const init = await startInit({ mode, launch: [...launch, '--pause', '-vv'], command: [] });
    await until(() => init.stderr().includes('pausing'), 'init has started');
    await sendTo(init, 'signal dropped: there is no workload');
    init.kill('SIGQUIT');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});

describeModes([], 'a SIGHUP that the workload handles is a reload', (mode) => {
  /** It reloads at this signal, and fails at SIGUSR2. */
  const server = (signal: string) => [
    'sh',
    '-c',
    `trap 'echo reloaded' ${signal}; trap 'exit 9' USR2; echo ready; while :; do sleep 0.01; done`,
  ];

  async function reload(init: RunningInit): Promise<void> {
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGHUP');
    expect(await init.nextLine()).toBe('reloaded');
    expect(init.stderr()).not.toContain('"stop signal received"');
    init.kill('SIGUSR2');
  }

  test.each([
    { name: 'SIGHUP', options: [], sent: 'HUP' },
    { name: 'what -r HUP:USR1 makes of it', options: ['-r', 'HUP:USR1'], sent: 'USR1' },
  ])('$name starts no --stop-timeout', async ({ options, sent }) => {
    const init = await startInit({
      mode,
      options: ['--stop-timeout', '1ms', ...options, '-v'],
      command: server(sent),
    });
    await reload(init);
    expect(await init.exit).toEqual({ code: 9, signal: null });
    expect(init.stderr()).not.toContain('stop timeout');
  });

  test('it ends no --restart', async () => {
    const init = await startInit({
      mode,
      options: ['--restart', 'on-failure:1', '-v'],
      command: server('HUP'),
    });
    await reload(init);
    await reload(init);
    expect(await init.exit).toEqual({ code: 9, signal: null });
  });
});

describeWith(['actor', 'namespaces', 'root'], '--restart as PID 1', () => {
  test('spares a process that entered the container, until the last run is over', async () => {
    const init = await startInit({
      mode: 'pid1',
      options: ['--restart', 'on-failure:1', '--grace', '100ms', '-q'],
      // A survivor, which a signal has to end.
      command: ['sh', '-c', 'echo run; read -r _; setsid sleep 1000 > /dev/null & exit 3'],
    });
    expect(await init.nextLine()).toBe('run');
    const entered = startProcess(['nsenter', '-p', '-t', `${init.pid}`, actor, 'signals']);
    expect(await entered.nextLine()).toMatch(/^ready/);
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe('run');
    const stranger = descendantsOf(entered.pid).at(-1) as { pid: number };
    process.kill(stranger.pid, 'SIGUSR1');
    // It takes every signal but SIGKILL, the lowest first, and says which: SIGTERM and SIGCONT have not come.
    process.kill(stranger.pid, 'SIGUSR2');
    expect([await entered.nextLine(), await entered.nextLine()]).toEqual(['10', '12']);
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    await until(() => processStat(stranger.pid) === undefined, 'the kernel kills it with its namespace');
  });
});

// It waits out ten seconds, twice. The rows of test/unit/lifecycle.test.ts have the same.
if (isWhole)
  describeWith([], '--restart on-failure:N', () => {
    test('does not count the grace time as part of the run', async () => {
      const exit = await runInit({
        options: ['--restart', 'on-failure:1', '--grace', '10100ms', '-q'],
        command: ['sh', '-c', 'echo run; (trap "" TERM; exec sleep 1000) >/dev/null & exit 3'],
      });
      expect(exit).toEqual({ code: 3, signal: null, stdout: 'run\nrun\n', stderr: '' });
    });
  });

describeWith(['script', 'bash'], '--restart on a terminal', () => {
  test('every run gets the terminal', async () => {
    const terminal = initOnTerminal({
      options: ['--restart', 'on-failure:1', '-q'],
      command: ['sh', '-c', 'read -r line; echo "got $line"; exit 3'],
    });
    for (const line of ['one', 'two']) {
      await until(
        () =>
          descendantsOf(terminal.pid).some(
            ({ name, foreground, group }) => name === 'sh' && foreground === group,
          ),
        'it has the terminal',
      );
      terminal.type(`${line}\n`);
      await terminal.shows(new RegExp(`got ${line}`));
    }
    expect(await terminal.exit).toEqual({ code: 3, signal: null });
  });

  const jobInForeground = (terminal: Terminal) =>
    descendantsOf(terminal.pid).find(
      ({ name, foreground, group }) => name === 'sleep' && foreground === group,
    );

  /** A process of the workload's group tells init of a Ctrl-C. It is started once the workload runs. */
  const isWatched = (terminal: Terminal) =>
    until(
      () =>
        descendantsOf(terminal.pid).some(
          ({ name, foreground, group }) => name === 'cat' && foreground === group,
        ),
      'init watches the group',
    );

  test('Ctrl-C ends the restarting', async () => {
    const terminal = initOnTerminal({ options: ['--restart', 'always', '-q'], command: ['sleep', '1000'] });
    await until(() => jobInForeground(terminal), 'it has the terminal');
    terminal.type(CTRL_C);
    expect(await terminal.exit).toEqual({ code: 130, signal: null });
  });

  test('so does one that the workload handles, and ends well', async () => {
    const terminal = initOnTerminal({
      options: ['--restart', 'always', '-q'],
      command: ['sh', '-c', 'trap "exit 0" INT; echo ready; while :; do read -r _; done'],
    });
    await terminal.shows(/ready/);
    await isWatched(terminal);
    terminal.type(CTRL_C);
    expect(await terminal.exit).toEqual({ code: 0, signal: null });
  });

  test('but not one that the workload has ignored from its start', async () => {
    const terminal = initOnTerminal({
      launch: ['sh', '-c', 'trap "" INT; exec "$@"', 'sh', launcher],
      options: ['--restart', 'always', '-q'],
      command: ['sh', '-c', 'echo ready; read -r _; exit 0'],
    });
    await terminal.shows(/ready/);
    await isWatched(terminal);
    terminal.type(CTRL_C);
    terminal.type('\n');
    await terminal.shows(/ready/);
  });

  test('a run that died under its own foreground job leaves the terminal to the next one', async () => {
    const terminal = initOnTerminal({
      options: ['--restart', 'always', '--grace', '0', '-q'],
      command: ['bash', '--norc', '-i'],
    });
    await terminal.shows(/[$#] $/);
    terminal.type('sleep 1000\n');
    const job = await until(() => jobInForeground(terminal), 'the job has the terminal');
    process.kill(job.parent, 'SIGKILL');
    await terminal.shows(/[$#] $/);
    terminal.type('echo the next one reads\n');
    await terminal.shows(/\nthe next one reads/);
  });
});

describeModes([], '--pause', (mode) => {
  test('reaps until a stop signal, and ends what it has with it', async () => {
    // The shell becomes init. It leaves a child that makes orphans on demand.
    const child = `exec 3<&0; (read -r _ <&3; ${daemon}) & exec "$0" --pause -v 3<&-`;
    const init = await startInit({ mode, launch: ['sh', '-c', child, launcher], command: [] });
    await until(() => init.stderr().includes('pausing'), 'init has started');
    init.stdin.write('\n');
    expect([await init.nextLine(), await init.nextLine()].sort()).toEqual([
      expect.stringMatching(/^daemon/),
      'done',
    ]);
    const orphan = await adoptedDaemon(init);
    process.kill(orphan.pid, 'SIGKILL');
    await until(() => processStat(orphan.pid) === undefined, 'an orphan is reaped');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 0, signal: null });
  });
});
