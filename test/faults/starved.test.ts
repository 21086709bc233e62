import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { processStat, until } from '../helpers/proc.ts';
import { type Exit, type Mode, runInit, startInit, workloadOf } from '../helpers/run-init.ts';

const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' };
/** A workload that needs every duty of init: see actor.c. It ends with 7 if init has done them. */
const duties = [actor, 'duties', '600'];
const grace = ['--grace', '10ms'];

function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs init behind a script that sets the scene and executes "$@". */
function runBehind(
  script: string,
  mode: Mode,
  cwd = '/',
): Promise<Exit & { stdout: string; stderr: string }> {
  // As PID 1 the scene is set in the new namespace.
  const launch = ['sh', '-c', script, 'sh', launcher];
  return runInit({ mode, launch, options: grace, command: duties, spawn: { env, cwd } });
}

describeModes(['actor', 'prlimit'], 'a limit of resources', (mode) => {
  test.each([
    ['--sigpending=0', 'no queued signals'],
    ['--stack=1048576', 'a stack of 1 MiB'],
    ['--fsize=0', 'no file may grow'],
    ['--core=0', 'no core'],
    ['--memlock=0', 'no locked memory'],
    ['--data=200000000', '200 MB of data'],
    ['--as=2000000000', '2 GB of address space'],
    ['--nofile=64', '64 descriptors'],
    ['--rttime=1', 'no real time'],
  ])('%s: %s, and every duty is done', async (limit) => {
    const exit = await runBehind(`exec prlimit ${limit} "$@"`, mode);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });

  test('--cpu=1: that a busy workload reaches first: the status says so, 128 and SIGXCPU', async () => {
    const launch = ['prlimit', '--cpu=1:', launcher];
    const command = ['sh', '-c', 'while :; do :; done'];
    expect(await runInit({ mode, launch, command })).toMatchObject({ code: 128 + constants.signals.SIGXCPU });
  });

  test('--as=100000000: 100 MB of address space, too little for node: node ends, and nothing was started', async () => {
    const exit = await runBehind('exec prlimit --as=100000000 "$@"', mode);
    expect(exit.stdout).toBe('');
    expect(exit).not.toMatchObject({ code: 0 });
  });
});

describeModes(['actor'], 'standard streams', (mode) => {
  test.each([
    ['0<&-', 'no input'],
    ['1>&-', 'no output'],
    ['2>&-', 'no error output'],
    ['0<&- 1>&-', 'no input or output'],
    ['0<&- 2>&-', 'no input or error output'],
    ['1>&- 2>&-', 'no output or error output'],
    ['0<&- 1>&- 2>&-', 'none at all'],
    ['1>/dev/full', 'a full device as output'],
    ['2>/dev/full', 'a full device as error output'],
    ['0</dev/full 1>/dev/full 2>/dev/full', 'full devices'],
  ])('%s: %s, and every duty is done', async (redirections) => {
    expect(await runBehind(`exec "$@" ${redirections}`, mode)).toMatchObject({ code: 7, signal: null });
  });

  // Descriptor 9 keeps the pipe open, and reads nothing. dd fills it.
  test.each([
    [
      'that is full, and that nobody reads',
      'dd if=/dev/zero bs=4096 count=64 oflag=nonblock >&2 2>/dev/null',
    ],
    ['whose reader has ended', 'exec 9<&-'],
  ])('with a pipe as error output %s: every duty is done', async (_, then) => {
    const pipe = join(temporaryFolder(), 'pipe');
    const exit = await runBehind(`mkfifo ${pipe}; exec 9<>${pipe} 2>${pipe}; ${then}; exec "$@"`, mode);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });
});

describeModes(['actor'], 'a working directory', (mode) => {
  test('that was removed: every duty is done', async () => {
    const folder = temporaryFolder();
    const exit = await runBehind(`rmdir ${folder}; exec "$@"`, mode, folder);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });
});

// Mounts need a namespace of their own, and root.
for (const mode of ['PID 1', 'a plain subreaper']) {
  const isPid1 = mode === 'PID 1';
  describeWith(['actor', 'namespaces', 'root'], `a machine without, as ${mode}`, () => {
    /** As a plain subreaper it runs below a shell that is PID 1: nothing that is left behind outlives the test. */
    const run = (scene: string, through = '') =>
      runBehind(`set -e; ${scene}; ${isPid1 ? 'exec' : ''} ${through} "$@"; exit $?`, 'pid1');

    test.each([
      ['a /proc that shows other users’ processes', 'mount -o remount,hidepid=2 /proc'],
      [
        'a /proc that shows other users’ processes, as one of them',
        'mount -o remount,hidepid=2 /proc',
        'setpriv --reuid 64321 --regid 64321 --clear-groups',
      ],
      ['a /proc that can be written', 'mount -o remount,ro /proc'],
      ['a /dev', 'mount -t tmpfs none /dev'],
      ['a temporary folder', 'export TMPDIR=/no/such/folder'],
      [
        'a temporary folder that can be written',
        'mount -t tmpfs -o ro none /var/tmp; export TMPDIR=/var/tmp',
      ],
      ['a shell', 'mount --bind /dev/null "$(readlink -f /bin/sh)"', 'node'],
    ])('%s: every duty is done', async (_, scene, through?: string) => {
      expect(await run(scene, through)).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
    });

    const outcome = isPid1 ? 'every duty is done' : 'the status is right, and it says what it leaves behind';
    test(`a /proc: ${outcome}`, async () => {
      const exit = await run('mount -t tmpfs none /proc');
      expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
      if (!isPid1) expect(exit.stderr).toContain('cannot list the remaining processes; leaving them behind');
    });
  });
}

describeWith(['namespaces', 'root'], 'a full disk', () => {
  test('for --report: one warning, nothing of the report, and the status is right', async () => {
    const disk = 'set -e; mount -t tmpfs -o size=4k none /var/tmp; echo >/var/tmp/full; set +e';
    const script = `${disk}; "$@"; status=$?; ls /var/tmp; exit $status`;
    const exit = await runInit({
      under: ['unshare', '--mount', 'sh', '-c', script, 'sh'],
      options: ['--report', '/var/tmp/report'],
      command: ['sh', '-c', 'exit 7'],
    });
    expect(exit).toMatchObject({ code: 7, stdout: 'full\n' });
    const records = exit.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toMatchObject([
      {
        level: 40,
        msg: "cannot write the report to '/var/tmp/report'; its directory must exist, be writable and have space left",
        error: 'ENOSPC: no space left on device',
      },
    ]);
  });
});

describeModes(['actor'], 'little time', (mode) => {
  test('for init, at the lowest priority (SCHED_IDLE): every duty is done', async () => {
    const exit = await runBehind('exec chrt -i 0 "$@"', mode);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });

  test(
    'for init, beside a workload with real-time priority (SCHED_FIFO): every duty is done',
    needs('root'),
    async () => {
      const launch = ['chrt', '-i', '0', launcher];
      const command = ['chrt', '-f', '1', ...duties];
      const exit = await runInit({ mode, launch, options: grace, command, spawn: { env } });
      expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
    },
  );

  test('for an init that is stopped while its workload ends, and continued then: the status is right', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', 'echo ready; read -r _; exit 5'] });
    expect(await init.nextLine()).toBe('ready');
    const workload = workloadOf(init.pid);
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    init.stdin.write('\n');
    const hasEnded = () => ['Z', undefined].includes(processStat(workload.pid)?.state);
    await until(hasEnded, 'the workload has ended');
    init.kill('SIGCONT');
    expect(await init.exit).toEqual({ code: 5, signal: null });
  });
});
