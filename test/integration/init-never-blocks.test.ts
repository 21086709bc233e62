import { constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { childrenOf, hasEnded, processStat, signalIfThere, until } from '../helpers/proc.ts';
import { initCommand, runInit, startInit, startProcess, workloadOf } from '../helpers/run-init.ts';
import { daemon } from '../helpers/shell-workloads.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describeModes(['actor', 'coreutils'], 'a full stderr pipe that nobody reads, with -vvv', (mode) => {
  test('does no harm to reaping, forwarding and the exit code', async () => {
    // dd fills the FIFO completely. Descriptor 9 keeps it open for reading, but no process reads.
    const pipe = join(temporaryFolder(), 'pipe');
    const full = `mkfifo ${pipe}; exec 9<>${pipe} 2>${pipe}; dd if=/dev/zero bs=4096 count=64 oflag=nonblock >&2 2>/dev/null; exec "$@"`;
    const init = await startInit({
      launch: ['sh', '-c', full, 'sh', ...initCommand({ mode, options: ['-vvv'], command: [] }).slice(0, -1)],
      command: ['sh', '-c', `trap 'echo term; exit 5' TERM; ${actor} orphans 500 & wait; wait`],
    });
    // The actor prints "done" when all its orphans have ended. Then the signal goes through.
    expect(await init.nextLine()).toBe('done');
    const pid = mode === 'pid1' ? (childrenOf(init.pid)[0]?.pid as number) : init.pid;
    await until(() => childrenOf(pid).length === 1, 'every orphan is reaped');
    process.kill(pid, 'SIGTERM');
    expect(await init.nextLine()).toBe('term');
    expect(await init.exit).toEqual({ code: 5, signal: null });
  });
});

describeWith(['actor'], 'dropped records', () => {
  test('are counted, and the count is logged once there is room again', async () => {
    const pipe = join(temporaryFolder(), 'pipe');
    const launch = ['sh', '-c', `mkfifo ${pipe}; exec 9<>${pipe} 2>${pipe}; exec "$@"`, 'sh', launcher];
    const init = await startInit({ launch, options: ['-vv'], command: [actor, 'orphans', '3000'] });
    expect(await init.nextLine()).toBe('done');
    await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
    const reader = startProcess(['cat', pipe]);
    await reader.nextLine();
    init.kill('SIGUSR1');
    // Every orphan is in the log or in a count. One line was read before.
    let logged = 1;
    let dropped = 0;
    while (logged + dropped < 3000) {
      const { msg, count } = JSON.parse(await reader.nextLine()) as { msg: string; count?: number };
      if (msg === 'orphan reaped') logged++;
      if (msg.includes('dropped')) dropped += count as number;
    }
    expect(dropped).toBeGreaterThan(0);
  });

  test('a reader that has gone: no SIGPIPE for the workload', async () => {
    // sh closes the only read end before init writes.
    const pipe = join(temporaryFolder(), 'pipe');
    const launch = ['sh', '-c', `mkfifo ${pipe}; exec 9<>${pipe} 2>${pipe} 9<&-; exec "$@"`, 'sh', launcher];
    const init = await startInit({ launch, options: ['-vvv'], command: [actor, 'signals'] });
    expect(await init.nextLine()).toMatch(/^ready/);
    init.kill('SIGUSR1');
    expect(await init.nextLine()).toBe('10');
    init.kill('SIGPIPE');
    expect(await init.nextLine()).toBe('13');
    init.kill(64);
    expect(await init.nextLine()).toBe('64');
  });
});

describeWith([], 'the log', () => {
  const secret = 'hunter2';
  const run = (options: string[], stderr: number | 'pipe' = 'pipe') =>
    runInit({
      options,
      // The workload ends when its own signal comes back.
      command: ['sh', '-c', 'trap "exit 3" HUP; kill -USR1 $PPID; sleep 1000 & wait', secret],
      spawn: { env: { ...process.env, PASSWORD: secret }, stdio: ['pipe', 'pipe', stderr] },
    });

  test('is silent by default', async () => {
    expect(await run(['-r', 'USR1:HUP'])).toMatchObject({ code: 3, stderr: '' });
  });

  test('as JSON, and nothing of the environment or the arguments in it', async () => {
    const { stderr } = await run(['-r', 'USR1:HUP', '-vvv']);
    const records = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records[0]).toMatchObject({
      level: 30,
      name: 'subreaper',
      msg: 'workload started',
      event: 'started',
      'process.executable.name': 'sh',
    });
    expect(records.map(({ msg }) => msg)).toContain('signal forwarded');
    // If the shell's sleep started before the signal reached the group, the signal ends it early.
    const ends = records.filter(({ msg }) => ['workload ended', 'exiting'].includes(msg));
    expect(ends).toMatchObject([
      { msg: 'workload ended', 'process.exit.code': 3 },
      { msg: 'exiting', 'process.exit.code': 3 },
    ]);
    expect(stderr).not.toContain(secret);
  });

  test('as lines for a person', async () => {
    const { stderr } = await run(['-v', '--log-format', 'pretty', '-e', '3:0', '-r', 'USR1:HUP']);
    expect(stderr).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}subreaper\[\d+\]: workload started event=started process.pid=\d+ process.executable.name=sh\n/,
    );
    expect(stderr).toMatch(
      /INFO {2}subreaper\[\d+\]: workload ended event=ended process.pid=\d+ process.exit.code=3\n(.*\n)*.* exiting event=exit process.exit.code=0\n$/,
    );
  });

  test('in a file that the workload writes to as well, nothing is overwritten', async () => {
    const file = join(temporaryFolder(), 'log');
    writeFileSync(file, '');
    const stderr = openSync(file, constants.O_WRONLY);
    await runInit({
      options: ['-v', '--log-format', 'pretty'],
      command: ['sh', '-c', 'echo from the workload >&2'],
      spawn: { stdio: ['pipe', 'pipe', stderr] },
    });
    expect(readFileSync(file, 'utf8')).toMatch(/from the workload\n(.*\n)*.*workload ended/);
  });
});

describeWith([], 'writing the log', () => {
  test('leaves the flags of the workload’s standard error as they were', async () => {
    // If a terminal or pipe became non-blocking, the workload's output would be cut short.
    const showFlags = 'read -r _; grep flags /proc/self/fdinfo/2';
    const plain = startProcess(['sh', '-c', showFlags]);
    plain.stdin.write('\n');
    const flags = await plain.nextLine();
    const init = await startInit({ options: ['-vvv'], command: ['sh', '-c', showFlags] });
    await until(() => init.stderr().includes('workload started'), 'something is logged');
    init.stdin.write('\n');
    expect(await init.nextLine()).toBe(flags);
  });

  test('beyond a file size limit: no SIGXFSZ for the workload', needs('actor'), async () => {
    const file = join(temporaryFolder(), 'log');
    const launch = ['sh', '-c', `ulimit -f 1; exec "$@" 2>${file}`, 'sh', launcher];
    const init = await startInit({ launch, options: ['-vvv'], command: [actor, 'signals'] });
    await init.nextLine();
    // Each forwarded signal is one record. A few reach the limit.
    for (let count = 0; count < 30; count++) {
      init.kill('SIGWINCH');
      expect(await init.nextLine()).toBe('28');
    }
    init.kill(64);
    expect(await init.nextLine()).toBe('64');
  });
});

describeWith(['actor'], 'when init’s parent dies', () => {
  test('the parent-death signal reaches the workload', async () => {
    // The parent is a shell that starts init in the background, and ends on demand.
    const parent = startProcess([
      'sh',
      '-c',
      '"$@" & read -r _; exit',
      'sh',
      launcher,
      '-p',
      'USR2',
      '--',
      actor,
      'signals',
    ]);
    expect(await parent.nextLine()).toMatch(/^ready/);
    const [init] = childrenOf(parent.pid);
    onTestFinished(async () => {
      for (const child of childrenOf(init?.pid as number)) signalIfThere(child.pid, 'SIGKILL');
      await until(() => hasEnded(init?.pid as number), 'init has ended');
    });
    parent.stdin.write('\n');
    expect(await parent.nextLine()).toBe('12');
    expect(processStat(init?.pid as number)?.parent).not.toBe(parent.pid);
  });
});

describeWith([], 'a stopped workload', () => {
  test('does not stop the reaping', async () => {
    const init = await startInit({ command: ['sh', '-c', daemon] });
    const [, orphan] = /^daemon (\d+)/.exec(await init.nextLine()) ?? [];
    const { pid: workload } = workloadOf(init.pid);
    process.kill(workload, 'SIGSTOP');
    await until(() => processStat(workload)?.state === 'T', 'the workload is stopped');
    process.kill(Number(orphan), 'SIGKILL');
    await until(() => processStat(Number(orphan)) === undefined, 'the orphan is reaped');
    await until(() => processStat(init.pid)?.state === 'S', 'init waits');
    expect(processStat(workload)?.state).toBe('T');
  });
});
