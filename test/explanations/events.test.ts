import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { logFormats, logLevels } from '../../src/log/log.ts';
import { documentedEvents, faultsOf } from '../helpers/documented-events.ts';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { runCode } from '../helpers/own-init.ts';
import { until } from '../helpers/proc.ts';
import { type RunningInit, runInit, startInit } from '../helpers/run-init.ts';
import { initOnTerminal } from '../helpers/terminal.ts';

interface LogRecord {
  readonly event?: string;
  readonly [field: string]: unknown;
}

/** The events in a log. Each must be as docs/events.md has it. */
function eventsIn(log: string): LogRecord[] {
  const records = log
    .split('\n')
    // The last line may still be coming.
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogRecord);
  const events = records.filter(({ event }) => event !== undefined);
  expect(events.flatMap(faultsOf)).toEqual([]);
  return events;
}

const namesIn = (log: string) => eventsIn(log).map(({ event }) => event);

/** Waits for an event of that kind. */
function logs(init: RunningInit, event: string, field = ''): Promise<boolean> {
  const part = new RegExp(`"event":"${event}".*${field}`);
  return until(() => part.test(init.stderr()), `init logs ${event}`);
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A shell script that leaves an orphan, which runs this. */
const orphan = (script: string) => `sh -c '(${script}) &'`;
/** Leaves a survivor that only SIGKILL ends. */
const survivor = `(trap "" TERM USR1; exec sleep 1000) &`;

describeModes([], 'the debug log', (mode) => {
  test('has each event of a life, in order', async () => {
    const script = `${survivor} trap : USR1; trap "exit 3" TERM; ${orphan('exit 7')}; echo ready; while :; do sleep 0.01; done`;
    const init = await startInit({
      mode,
      options: ['-vv', '--grace', '100ms', '-r', 'HUP:0'],
      command: ['/bin/sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    await logs(init, 'orphan', '"process.exit.code":7');
    init.kill('SIGHUP');
    await logs(init, 'signal', '"SIGHUP"');
    init.kill('SIGUSR1');
    await logs(init, 'signal', '"SIGUSR1"');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    const events = eventsIn(init.stderr());
    const pid = events[0]?.['process.pid'];
    const told = events.filter(({ event }) => event !== 'orphan');
    expect(told).toMatchObject([
      { event: 'started', msg: 'workload started', 'process.executable.name': 'sh' },
      { event: 'signal', msg: 'signal dropped', signal: 'SIGHUP' },
      { event: 'signal', msg: 'signal forwarded', signal: 'SIGUSR1', sent: 'SIGUSR1' },
      { event: 'stop', msg: 'stop signal received', signal: 'SIGTERM', sent: 'SIGTERM' },
      { event: 'signal', msg: 'signal forwarded', signal: 'SIGTERM', sent: 'SIGTERM' },
      { event: 'ended', msg: 'workload ended', 'process.pid': pid, 'process.exit.code': 3 },
      { event: 'survivor', msg: expect.stringContaining('asking survivors to end') },
      { event: 'kill', msg: expect.stringContaining('killing the remaining processes') },
      { event: 'exit', msg: 'exiting', 'process.exit.code': 3 },
    ]);
    // The shell's own sleep may be among them.
    for (const { processes } of told.filter(({ event }) => event === 'survivor' || event === 'kill')) {
      expect(processes).toBeGreaterThanOrEqual(1);
    }
  });

  test('has a restart, with the status of the run', async () => {
    const { code, stderr } = await runInit({
      mode,
      options: ['-v', '--restart', 'on-failure:1'],
      command: ['sh', '-c', 'exit 9'],
    });
    expect(code).toBe(9);
    const events = eventsIn(stderr);
    expect(events.map(({ event }) => event)).toEqual([
      'started',
      'ended',
      'restart',
      'started',
      'ended',
      'exit',
    ]);
    expect(events[2]).toMatchObject({ level: 40, status: 9, delayMs: 200 });
  });

  test('has the signal that ended the workload', async () => {
    const { stderr } = await runInit({ mode, options: ['-v'], command: ['sh', '-c', 'kill -KILL $$'] });
    const ended = eventsIn(stderr).find(({ event }) => event === 'ended');
    expect(ended).toMatchObject({ signal: 'SIGKILL' });
    expect(ended).not.toHaveProperty(['process.exit.code']);
  });
});

describeModes([], 'an orphan in the debug log', (mode) => {
  /** Runs a script as an orphan until it is reaped. */
  async function reaped(script: string, name: string): Promise<LogRecord & { elapsedMs: number }> {
    const begunMs = performance.now();
    const init = await startInit({
      mode,
      options: ['-vv'],
      command: ['sh', '-c', `${orphan(script)}; read -r _`],
    });
    await logs(init, 'orphan', `"${name}"`);
    const elapsedMs = performance.now() - begunMs;
    init.stdin.write('\n');
    await init.exit;
    const record = eventsIn(init.stderr()).find(
      (event) => event.event === 'orphan' && event['process.executable.name'] === name,
    );
    return { ...record, elapsedMs };
  }

  test('has its name, and the signal that ended it', async () => {
    const record = await reaped('exec sh -c "kill -KILL \\$\\$"', 'sh');
    expect(record).toMatchObject({ level: 20, msg: 'orphan reaped', signal: 'SIGKILL' });
    expect(record).not.toHaveProperty(['process.exit.code']);
  });

  test('has how long it lived', async () => {
    const record = await reaped('exec sleep 0.5', 'sleep');
    expect(record).toMatchObject({ 'process.exit.code': 0 });
    // Clock ticks of 10 ms, and a sleep that may wake in the tick before.
    expect(record['process.uptime']).toBeGreaterThanOrEqual(0.48);
    expect(record['process.uptime']).toBeLessThanOrEqual(record.elapsedMs / 1000 + 0.02);
  });

  test('has its CPU time and peak memory', async () => {
    const record = await reaped('text=$(head -c 30000000 /dev/zero | tr "\\0" x); exit 4', 'sh');
    expect(record).toMatchObject({ 'process.exit.code': 4 });
    expect(record['process.cpu.time']).toBeGreaterThan(0.01);
    expect(record['process.cpu.time']).toBeLessThanOrEqual(
      (record.elapsedMs / 1000) * availableParallelism(),
    );
    expect(record['maxRssKib']).toBeGreaterThan(30_000_000 / 1024);
  });
});

describeWith(['refuse', 'namespaces'], 'an orphan in the debug log', () => {
  test.each([
    ['waitid(2) is refused', [refuse, 'waitid', 'EPERM', launcher]],
    ['/proc shows another PID namespace', ['unshare', '--pid', '--fork', '--kill-child', launcher]],
  ])('has what wait4(2) tells, where %s', async (_what, launch) => {
    const command = ['sh', '-c', `${orphan('exit 7')}; read -r _`];
    const init = await startInit({ launch, options: ['-vv'], command });
    await logs(init, 'orphan');
    init.stdin.write('\n');
    await init.exit;
    const record = eventsIn(init.stderr()).find(({ event }) => event === 'orphan');
    expect(record).toMatchObject({ 'process.exit.code': 7, 'process.cpu.time': expect.any(Number) });
    expect(record).not.toHaveProperty(['process.executable.name']);
  });
});

describeModes(['actor'], 'what a level costs', (mode) => {
  test('at debug init reaps, on every kernel, and says once why', async () => {
    const init = await startInit({ mode, options: ['-vv'], command: [actor, 'orphans', '20'] });
    expect(await init.nextLine()).toBe('done');
    await until(
      () => namesIn(init.stderr()).filter((event) => event === 'orphan').length === 20,
      'all are logged',
    );
    const lines = init
      .stderr()
      .split('\n')
      .filter((line) => line.includes('reaps orphans'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: 30,
      msg: 'init reaps orphans',
      because: 'the debug log reports each orphan',
    });
    init.kill('SIGTERM');
    await init.exit;
  });

  test('it says so of a workload that ends at once, too', async () => {
    const { stderr } = await runInit({ mode, options: ['-vv'], command: ['true'] });
    expect(stderr.split('init reaps orphans')).toHaveLength(2);
  });
});

describeWith(['strace', 'actor'], 'below the debug level', () => {
  /** The waitid(2) calls that only look, and the stat files opened, while init reaps 20 orphans. */
  async function looks(...options: string[]): Promise<number> {
    const trace = join(temporaryFolder(), 'trace');
    const strace = ['strace', '-f', '-e', 'trace=waitid', '-e', 'signal=none', '-o', trace];
    // With the report, init reaps on every kernel.
    const init = await startInit({
      under: strace,
      options: ['--report', '/dev/null', ...options],
      command: [actor, 'orphans', '20'],
    });
    expect(await init.nextLine()).toBe('done');
    init.kill('SIGTERM');
    await init.exit;
    return readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => /waitid\(P_ALL/.test(line)).length;
  }

  test('init does not look at an orphan before it reaps it', async () => {
    expect(await looks('-v')).toBe(0);
    expect(await looks('-vv')).toBeGreaterThanOrEqual(20);
  });
});

describe('each level', () => {
  test('has the events of the table, and no other', async () => {
    for (const level of logLevels) {
      const init = await startInit({
        options: ['--log-level', level, '--grace', '50ms'],
        command: ['sh', '-c', `${survivor} ${orphan('exit 0')}; echo ready; read -r _`],
      });
      await init.nextLine();
      init.stdin.write('\n');
      await init.exit;
      const allowed = Object.entries(documentedEvents)
        .filter(([, { levels }]) => levels.some((its) => logLevels.indexOf(its) <= logLevels.indexOf(level)))
        .map(([name]) => name);
      expect(allowed).toEqual(expect.arrayContaining(namesIn(init.stderr())));
      if (logLevels.indexOf(level) < logLevels.indexOf('warn')) expect(init.stderr()).toBe('');
    }
  });
});

describeModes([], 'a planted secret', (mode) => {
  const secret = 'hunter2-d41d8cd9';
  const levels = logLevels.flatMap((level) => logFormats.map((format) => [level, format] as const));

  test.each(levels)('is in nothing at level %s, as %s', async (level, format) => {
    // It is in the environment, in file names, and an argument of the workload, of an orphan and of a survivor.
    const folder = temporaryFolder();
    const failed = join(folder, `${secret}-failed`);
    const script = `
      exec 2>/dev/null
      [ -e ${failed} ] || { : >${failed}; exit 9; }
      sh -c ': ${secret}; (exit 1) &' ${secret}
      (trap "" TERM USR1; exec sh -c ': ${secret}; sleep 1000; :' ${secret}) &
      trap : USR1
      trap 'kill -KILL $$' TERM
      echo ready
      while :; do sleep 0.01; done`;
    const init = await startInit({
      mode,
      options: [
        ...['--log-level', level, '--log-format', format, '--grace', '50ms', '--restart', 'on-failure:1'],
        ...['--report', join(folder, secret), '--termination-log', join(folder, `${secret}-why`)],
      ],
      command: ['sh', '-c', script, secret, `--password=${secret}`],
      spawn: { env: { ...process.env, PASSWORD: secret, [secret]: '1' } },
    });
    expect(await init.nextLine()).toBe('ready');
    init.kill('SIGUSR1');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    expect(init.stderr()).not.toContain(secret);
    // In a log that is empty by mistake, nothing could be found.
    if (logLevels.indexOf(level) >= logLevels.indexOf('warn')) expect(init.stderr()).toContain('restarting');
    else expect(init.stderr()).toBe('');
  });
});

describeModes(['script'], 'on a terminal', (mode) => {
  const command = ['sh', '-c', 'exit 3'];

  test('the log is pretty and in colour', async () => {
    const terminal = initOnTerminal({ mode, options: ['-v'], command });
    await terminal.shows(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
      /\x1b\[2m\d\d:\d\d:\d\d\.\d{3}\x1b\[0m \x1b\[32mINFO \x1b\[0m subreaper\[\d+\]: workload started event=started process\.pid=\d+ process\.executable\.name=sh\r\n/,
    );
    await terminal.shows(/exiting event=exit process\.exit\.code=3/);
    expect(await terminal.exit).toEqual({ code: 3, signal: null });
  });

  test('the log is JSON where it should be', async () => {
    const terminal = initOnTerminal({ mode, options: ['-v', '--log-format', 'json'], command });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
    const [line] = await terminal.shows(/[^\n\x1b]*"msg":"workload started"\}\r\n/);
    expect(JSON.parse(line)).toMatchObject({ event: 'started', 'process.executable.name': 'sh' });
    await terminal.exit;
  });

  test('a name has no power over it', async () => {
    const program = join(temporaryFolder(), '\x1b[31mred');
    copyFileSync('/bin/sleep', program);
    const terminal = initOnTerminal({ mode, options: ['-v'], command: [program, '0'] });
    await terminal.shows(
      /workload started event=started process\.pid=\d+ process\.executable\.name=\?\[31mred\r\n/,
    );
    await terminal.exit;
  });
});

describe('anywhere else', () => {
  test('the log has no colour, even if it is pretty', async () => {
    const command = ['sh', '-c', 'exit 3'];
    const { stderr } = await runInit({ options: ['-v', '--log-format', 'pretty'], command });
    expect(stderr).toContain('INFO  subreaper[');
    expect(stderr).not.toContain('\x1b');
  });
});

/** Starts an orphan that ends at once; its parent, a shell, has ended before. */
const helpers = `
  import { execSync } from 'node:child_process';
  import { writeSync } from 'node:fs';
  import { subscribe } from 'node:diagnostics_channel';
  const until = async (holds) => { while (!holds()) await new Promise((wake) => setTimeout(wake, 5)); };
  const orphan = (script) =>
    Number(execSync('(while kill -0 $$; do :; done; ' + script + ') >/dev/null 2>&1 & echo $!', { shell: 'sh' }));
  const show = (message, channel) => writeSync(1, channel + ' ' + JSON.stringify(message) + '\\n');
  for (const event of ['started', 'orphan', 'kill', 'exit']) subscribe('subreaper:' + event, show);
`;

/** What an app has published. Each must be as docs/events.md has it. */
function published(stdout: string): LogRecord[] {
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ (.*)/) as [string, string]);
  const events = messages.map(([, message]) => JSON.parse(message) as LogRecord);
  expect(events.map(({ event }) => `subreaper:${event}`)).toEqual(messages.map(([channel]) => channel));
  expect(events.flatMap(faultsOf)).toEqual([]);
  return events;
}

describeModes([], 'an app that is its own init', (mode) => {
  test('publishes its start and its orphans', async () => {
    const { stdout, stderr } = await runCode(
      `${helpers}
       import { register } from 'subreaper';
       const registration = register();
       const pids = [orphan('exit 7')];
       await until(() => registration.reaped === 1);
       pids.push(orphan('exec sleep 1000'));
       await until(() => registration.orphans().some(({ name }) => name === 'sleep'));
       process.kill(pids[1], 'SIGKILL');
       await until(() => registration.reaped === 2);
       console.error(pids.join());`,
      { mode, flags: [] },
    );
    const [first, second] = stderr.trim().split(',').map(Number);
    const events = published(stdout);
    expect(events[0]).toEqual({
      event: 'started',
      'process.pid': expect.any(Number),
      'process.executable.name': 'node',
    });
    expect(events.filter((event) => [first, second].includes(event['process.pid'] as number))).toMatchObject([
      { event: 'orphan', 'process.executable.name': 'sh', 'process.exit.code': 7 },
      { event: 'orphan', 'process.executable.name': 'sleep', signal: 'SIGKILL' },
    ]);
  });

  test('publishes each orphan once, whoever else hears of it', async () => {
    const { stdout, stderr } = await runCode(
      `${helpers}
       import { register } from 'subreaper';
       const told = [];
       register({ onReap: ({ pid }) => told.push(pid) });
       register({ logger: { debug: (fields) => told.push(fields['process.pid']), warn() {} } });
       orphan('exit 0');
       await until(() => told.length === 2);
       console.error(told.join());`,
      { mode },
    );
    const [pid, same] = stderr.trim().split(',').map(Number);
    expect(pid).toBe(same);
    expect(published(stdout)).toMatchObject([{ event: 'orphan', 'process.pid': pid }]);
  });

  test('a subscriber that throws stops neither the reaping nor the others', async () => {
    const { code, stdout } = await runCode(
      `import { channel } from 'node:diagnostics_channel';
       const failing = channel('subreaper:orphan');
       failing.subscribe(() => { throw new Error('mine'); });
       ${helpers}
       import { register } from 'subreaper';
       let caught = 0;
       process.on('uncaughtException', ({ message }) => { if (message === 'mine') caught++; });
       const registration = register();
       orphan('exit 0');
       orphan('exit 0');
       await until(() => registration.reaped === 2 && caught === 2);`,
      { mode },
    );
    expect(code).toBe(0);
    expect(published(stdout)).toMatchObject([{ event: 'orphan' }, { event: 'orphan' }]);
  });
});

describe('an app that is its own init', () => {
  test('publishes how many orphans it kills at its end', async () => {
    const { stdout } = await runCode(
      `${helpers}
       import { register } from 'subreaper';
       const registration = register({ killOrphansOnExit: true });
       execSync('sleep 1000 >/dev/null 2>&1 & sleep 1000 >/dev/null 2>&1 &');
       await until(() => registration.orphans().length === 2);`,
    );
    expect(published(stdout)).toEqual([{ event: 'kill', processes: 2 }]);
  });
});

describeWith(['namespaces'], 'an app that is PID 1', () => {
  test('publishes the signal that ends it', async () => {
    const { code, stdout } = await runCode(
      `${helpers}
       setInterval(() => {}, 1e6);
       process.kill(process.pid, 'SIGTERM');`,
      { mode: 'pid1' },
    );
    expect(code).toBe(143);
    expect(published(stdout)).toEqual([{ event: 'exit', 'process.exit.code': 143, signal: 'SIGTERM' }]);
  });
});
