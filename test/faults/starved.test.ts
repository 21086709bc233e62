import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { childrenOf, processStat, until } from '../helpers/proc.ts';
import { type Exit, type Mode, runInit, startInit } from '../helpers/run-init.ts';

const root = join(launcher, '../..');
const isRoot = process.getuid?.() === 0;
const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--no-warnings' };
/** A workload that needs every duty of init: see actor.c. It ends with 7 if init has done them. */
const duties = [actor, 'duties', '60'];
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
});

describeModes(['actor'], 'a working directory', (mode) => {
  test('that was removed: every duty is done', async () => {
    const folder = temporaryFolder();
    const exit = await runBehind(`rmdir ${folder}; exec "$@"`, mode, folder);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });
});

// Mounts need a namespace of their own, and root.
const rootsName = `a machine without, as PID 1${isRoot ? '' : ' (skipped: not root)'}`;
describeWith(['actor', 'namespaces'], rootsName, () => {
  test.skipIf(!isRoot).each([
    ['a /proc', 'mount -t tmpfs none /proc'],
    ['a /proc that shows other users’ processes', 'mount -o remount,hidepid=2 /proc'],
    ['a /proc that can be written', 'mount -o remount,ro /proc'],
    ['a /dev', 'mount -t tmpfs none /dev'],
    [
      'a temporary folder that can be written',
      'mount -t tmpfs -o ro none /var/tmp && export TMPDIR=/var/tmp',
    ],
  ])('%s: every duty is done', async (_, mount) => {
    const exit = await runBehind(`${mount} && exec "$@"`, 'pid1');
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });
});

describeModes(['actor'], 'little time', (mode) => {
  test('for init, at the lowest priority (SCHED_IDLE): every duty is done', async () => {
    const exit = await runBehind('exec chrt -i 0 "$@"', mode);
    expect(exit).toMatchObject({ code: 7, signal: null, stdout: 'started\n' });
  });

  test('for an init that is stopped while its workload ends, and continued then: the status is right', async () => {
    const init = await startInit({ mode, command: ['sh', '-c', 'echo ready; read -r _; exit 5'] });
    expect(await init.nextLine()).toBe('ready');
    const [workload] = childrenOf(init.pid);
    init.kill('SIGSTOP');
    await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
    init.stdin.write('\n');
    const hasEnded = () => ['Z', undefined].includes(processStat(workload?.pid as number)?.state);
    await until(hasEnded, 'the workload has ended');
    init.kill('SIGCONT');
    expect(await init.exit).toEqual({ code: 5, signal: null });
  });
});

describeModes(['actor'], 'the package is removed while init runs', (mode) => {
  test('with all that it needs: signals go through, and the status is right', async () => {
    const folder = temporaryFolder();
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(join(root, part), join(folder, 'subreaper', part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const init = await startInit({
      mode,
      launch: [join(folder, 'subreaper/bin/subreaper')],
      options: ['--grace', '10ms'],
      command: ['sh', '-c', `trap 'exit 6' USR1; (trap '' TERM; exec sleep 1000) & echo ready; wait`],
    });
    expect(await init.nextLine()).toBe('ready');
    rmSync(join(folder, 'subreaper'), { recursive: true });
    rmSync(join(folder, 'node_modules'));
    init.kill('SIGUSR1');
    expect(await init.exit).toEqual({ code: 6, signal: null });
  });
});
