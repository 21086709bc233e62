import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { statusField } from '../helpers/proc.ts';
import { type Container, describeEngine, runContainer, startContainer, untilOnly } from './containers.ts';
import { mustDocker } from './docker.ts';

/**
 * Makes orphans one after another. Each ends at once, and is the child of a process that has ended. Where there is no room
 * for one, it tries again: if nothing reaps, for ever. A shell ends when it cannot fork.
 */
const leaveOrphans = (count: number) => `perl -e '
  sub patient { my $pid; until (defined($pid = fork)) { select(undef, undef, undef, 0.001) } $pid }
  for (1 .. ${count}) { my $pid = patient(); if ($pid == 0) { patient(); exit } waitpid $pid, 0 }
  print "left ${count}\n"'`;

const restricted = [
  ...['--user', '1000', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  // The test is not about core files and home folders.
  ...['--ulimit', 'core=0'],
];

describeEngine('-u 1000 --read-only --cap-drop ALL --security-opt no-new-privileges', () => {
  test('signals reach the workload, and its exit code comes out', async () => {
    const container = await startContainer({
      options: restricted,
      command: ['sh', '-c', 'exec 2>/dev/null; trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done'],
    });
    expect(await container.nextLine()).toBe('ready');
    expect(statusField(container.pid, 'Uid')).toMatch(/^1000\t/);
    expect(statusField(container.pid, 'CapEff')).toBe('0000000000000000');
    expect(statusField(container.pid, 'NoNewPrivs')).toBe('1');
    await container.stop();
    expect(await container.wait()).toBe(5);
    expect((await container.logs()).stderr).toBe('');
  });

  test('orphans are reaped, survivors ended', async () => {
    const container = await startContainer({
      options: [...restricted, '--env', 'SUBREAPER_OPTIONS=--grace 200ms'],
      command: [
        'sh',
        '-c',
        `${leaveOrphans(500)}; setsid sh -c 'trap "" TERM; exec sleep 2000' & exec sleep 1000`,
      ],
    });
    expect(await container.nextLine()).toBe('left 500');
    await untilOnly(container, ['subreaper', 'sleep', 'sleep']);
    await container.stop();
    expect(await container.wait()).toBe(143);
  });

  test('an app that is its own init', async () => {
    const container = await startContainer({
      options: restricted,
      entrypoint: 'node',
      command: ['--import', 'subreaper/register', '-e', `setInterval(() => {}, 1000); console.log('ready')`],
    });
    expect(await container.nextLine()).toBe('ready');
    await container.exec('sh', '-c', leaveOrphans(100));
    await untilOnly(container, [appName(container)]);
    await container.stop();
    expect(await container.wait()).toBe(143);
    expect((await container.logs()).stderr).toBe('');
  });
});

describeEngine('the default seccomp profile', () => {
  test('holds the container, and refuses nothing that subreaper needs', async () => {
    expect(await mustDocker('info', '--format', '{{json .SecurityOptions}}')).toContain(
      'seccomp,profile=default',
    );
    const container = await startContainer({
      options: ['--env', 'SUBREAPER_OPTIONS=--log-level debug'],
      command: ['sh', '-c', `${leaveOrphans(10)}; exec sleep 1000`],
    });
    expect(await container.nextLine()).toBe('left 10');
    expect(statusField(container.pid, 'Seccomp')).toBe('2');
    await untilOnly(container, ['subreaper', 'sleep']);
    await container.stop();
    const records = (await container.logs()).stderr.trim().split('\n');
    const warn = 40;
    expect(records.map((record) => JSON.parse(record)).filter(({ level }) => level >= warn)).toEqual([]);
  });
});

describeEngine('--pids-limit 32', () => {
  test('20,000 orphans one after another', async () => {
    const container = await startContainer({
      options: ['--pids-limit', '32'],
      command: ['sh', '-c', `${leaveOrphans(20_000)}; exec sleep 1000`],
    });
    expect(await container.nextLine()).toBe('left 20000');
    await untilOnly(container, ['subreaper', 'sleep']);
    await container.stop();
    expect(await container.logs()).toEqual({ code: 0, stdout: 'left 20000\n', stderr: '' });
  });

  test('without subreaper there is soon no room for a process', async () => {
    const app = `require('child_process').spawnSync('sh', ['-c', process.argv[1]], { stdio: 'inherit' })`;
    const { stderr } = await runContainer({
      options: ['--pids-limit', '32'],
      entrypoint: 'node',
      command: ['-e', app, 'i=0; while [ $i -lt 100 ]; do (: &); i=$((i + 1)); done'],
    });
    expect(stderr).toContain('Cannot fork');
  });
});

describeEngine('--memory 64m', () => {
  test('runs, reaps 2,000 orphans, and is not killed for want of memory', async () => {
    const container = await startContainer({
      options: ['--memory', '64m', '--memory-swap', '64m'],
      command: ['sh', '-c', `${leaveOrphans(2000)}; exec sleep 1000`],
    });
    expect(await container.nextLine()).toBe('left 2000');
    await untilOnly(container, ['subreaper', 'sleep']);
    await container.stop();
    expect(await container.wait()).toBe(143);
    expect(await container.inspect('{{.HostConfig.Memory}} {{.State.OOMKilled}}')).toBe('67108864 false');
    expect((await container.logs()).stderr).toBe('');
  });

  test.each([
    {
      what: 'the workload',
      command: ['sh', '-c', 'echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero'],
    },
    {
      what: 'a child of it',
      command: ['sh', '-c', 'echo 1000 >/proc/self/oom_score_adj; tail /dev/zero; exit $?'],
    },
  ])('init says that $what was killed for want of memory', async ({ command }) => {
    const { code, stderr } = await runContainer({
      options: ['--memory', '64m', '--memory-swap', '64m'],
      command,
    });
    expect(code).toBe(137);
    expect(stderr).toMatch(/, probably from the OOM killer: limit 64 MiB, peak 64 MiB \(oom_kill 1\)"/);
  });
});

/** node names its main thread node or MainThread. */
function appName({ pid }: Container): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
