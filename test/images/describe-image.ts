import { execFileSync } from 'node:child_process';
import { describe, expect, inject, test } from 'vitest';
import { launcher as launcherHere } from '../helpers/environment.ts';
import { lacking } from '../helpers/needs.ts';
import { childrenOf, until } from '../helpers/proc.ts';
import type { RunningInit } from '../helpers/run-init.ts';
import { makeFolder, runContainer, startContainer } from './container.ts';
import type { Image } from './images.ts';

export const launcher = '/app/node_modules/subreaper/bin/subreaper';
const REAL_TIME_SIGNAL = 40;
const nothing = { code: 0, signal: null, stdout: '', stderr: '' };

/**
 * What subreaper does in every image, as PID 1.
 * @param own tests of this image alone
 */
export function describeImage(image: Image, own = () => {}): void {
  const { node, lacks, hasShell, tooOld } = image;
  const { lacks: missing } = inject('images');
  const subreaper = hasShell ? [launcher] : [node, launcher];
  const init = (...command: string[]) => [...subreaper, '--', ...command];

  describe(image.name, lacking(...image.layers.map((name) => missing[name])), () => {
    test('the root is what the table says', async () => {
      const print = `console.log(JSON.stringify({
        there: ${JSON.stringify(lacks)}.filter((file) => require('fs').existsSync(file)),
        user: process.getuid(), groups: process.getgroups(), sh: require('fs').existsSync('/bin/sh') }))`;
      const { stdout } = await runContainer(image, [node, '-e', print]);
      const groups = [image.user];
      expect(JSON.parse(stdout)).toEqual({ there: [], user: image.user, groups, sh: hasShell });
    });

    if (tooOld !== undefined) {
      const line = (what: string) =>
        expect.stringMatching(new RegExp(`^subreaper: ${what}node ${tooOld}\\S* is too old; [^\\n]*\\n$`));

      test.each([
        ['init', init(node)],
        ['doctor', [...subreaper, 'doctor']],
        ['prepare', [...subreaper, 'prepare']],
      ])('one line says why %s does not start', async (_, command) => {
        const refused = { ...nothing, code: 125, stderr: line('cannot start, ') };
        expect(await runContainer(image, command)).toEqual(refused);
      });

      test('one line says why an app that loads subreaper/register does not start', async () => {
        const app = [node, '--import', 'subreaper/register', 'stop-in-order.mjs'];
        expect(await runContainer(image, app)).toEqual({ ...nothing, code: 125, stderr: line('') });
      });
      return;
    }

    test.each([0, 3])('init ends with the status of the workload: %i', async (status) => {
      const command = init(node, '-e', `process.exit(${status})`);
      expect(await runContainer(image, command)).toEqual({ ...nothing, code: status });
    });

    // Only now the log is loaded.
    test('init logs that SIGKILL has ended the workload: 137', async () => {
      const command = init(node, '-e', "process.kill(process.pid, 'SIGKILL')");
      const { stderr, ...ended } = await runContainer(image, command);
      expect(ended).toEqual({ code: 137, signal: null, stdout: '' });
      expect(stderr).toMatch(/^[^\n]*\n$/);
      expect(JSON.parse(stderr)).toMatchObject({ msg: expect.stringContaining('killed by SIGKILL') });
    });

    test('an orphan is reaped, and SIGTERM ends the workload: 143', async () => {
      const running = await startContainer(image, init(node, 'leave-an-orphan.mjs'));
      await orphanIsReaped(running, 1);
      running.kill('SIGTERM');
      expect(await running.exit).toEqual({ code: 143, signal: null });
      expect(running.stderr()).toBe('');
    });

    // As below npm start: the shell ends at once.
    if (hasShell)
      test('the stop reaches an app below sh, which ends in its own time', async () => {
        const running = await startContainer(
          image,
          init('/bin/sh', '-c', `${node} stop-in-order.mjs; exit $?`),
        );
        expect(await running.nextLine()).toBe('ready');
        running.kill('SIGTERM');
        expect(await running.nextLine()).toBe('stopped');
        expect(await running.exit).toEqual({ code: 143, signal: null });
        expect(running.stderr()).toBe('');
      });

    test('a real-time signal reaches the workload, which it ends', async () => {
      const running = await startContainer(image, init(node, 'stop-in-order.mjs'));
      expect(await running.nextLine()).toBe('ready');
      running.kill(REAL_TIME_SIGNAL);
      expect(await running.exit).toEqual({ code: 128 + REAL_TIME_SIGNAL, signal: null });
    });

    test('the workload has the environment of the image', async () => {
      const { stdout } = await runContainer(image, init(node, '-p', 'JSON.stringify(process.env)'));
      expect(JSON.parse(stdout)).toEqual({ ...image.env, ...image.addedByShell });
    });

    test('an app that loads subreaper/register reaps, and SIGTERM ends it: 143', async () => {
      const command = [node, '--import', 'subreaper/register', 'leave-an-orphan.mjs'];
      const running = await startContainer(image, command);
      await orphanIsReaped(running, 0);
      running.kill('SIGTERM');
      expect(await running.exit).toEqual({ code: 143, signal: null });
      expect(running.stderr()).toBe('');
    });

    test('a command that spawnBound starts ends when its owner is killed', async () => {
      const ended = await runContainer(image, init(node, 'kill-an-owner.mjs'));
      expect(ended).toEqual({ ...nothing, stdout: 'bound, and ended\n' });
    });

    test('the testing kit finds a leak', async () => {
      const ended = await runContainer(image, init(node, 'find-a-leak.mjs'));
      expect(ended).toEqual({ ...nothing, stdout: 'LeakedProcessError\n' });
    });

    test('doctor tells what is so', async () => {
      const { code, stdout, stderr } = await runContainer(image, doctor());
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(findingsIn(stdout)).toEqual(await facts());
    });

    test('who runs it prepares the next starts, or is told why not', async () => {
      const mayWrite = image.user === 0 && !image.isReadOnly;
      const folder = makeFolder();
      const ended = await runContainer(image, [...subreaper, 'prepare'], folder);
      const cache = `/app/node_modules/subreaper/dist/cli-v[0-9.]+-${process.arch}-(node|launcher)\\.cache`;
      const prepared = new RegExp(`^subreaper: prepared, ${cache} \\(\\d+ KiB\\)\\n$`);
      const refused = new RegExp(`^subreaper: cannot prepare, [^\\n]*; let it write ${cache}\\n$`);
      expect(ended).toEqual(
        mayWrite
          ? { ...nothing, stdout: expect.stringMatching(prepared) }
          : { ...nothing, code: 125, stderr: expect.stringMatching(refused) },
      );
      const { stdout } = await runContainer(image, doctor(), folder);
      expect(findingsIn(stdout)).toMatchObject({ start: mayWrite ? preparedStart : plainStart });
    });

    test('what root has prepared in the image is taken', async () => {
      const folder = makeFolder();
      const { env, layers } = image;
      const atBuild = { env, layers, user: 0 };
      expect((await runContainer(atBuild, [...subreaper, 'prepare'], folder)).code).toBe(0);
      const { stdout } = await runContainer(image, doctor(), folder);
      expect(findingsIn(stdout)).toMatchObject({ start: preparedStart });
    });

    own();

    function doctor(): string[] {
      return [...subreaper, 'doctor', '--json', '--', node, 'stop-in-order.mjs'];
    }

    async function facts() {
      const { stdout } = await runContainer(image, [node, '-p', 'process.version']);
      // The kernel is this machine's.
      const outside = execFileSync(launcherHere, ['doctor', '--json'], { encoding: 'utf8' });
      const { reaping, pidfd, seccomp } = findingsIn(outside);
      return {
        reaping,
        pidfd,
        seccomp,
        pid1: 'good: this is PID 1: every orphan of the container comes here',
        subreaper: 'good: PID 1 needs no PR_SET_CHILD_SUBREAPER',
        proc: 'good: /proc lists each process’s children: finding survivors costs little',
        wait: 'good: wait4 works',
        'no-new-privs': image.isConfined
          ? 'note: no_new_privs is set: no process can gain privileges that put it out of init’s reach'
          : 'note: no_new_privs is not set: a set-user-ID program may be out of init’s reach',
        // The container has no /sys.
        memory: 'note: the memory cgroup cannot be read: OOM kills are not recognized',
        pids: 'note: the limit on processes is unknown: no cgroup shows it',
        // test/integration/doctor.test.ts compares it with what is so.
        namespace: expect.stringMatching(/^note: a tree can(not)? have a PID namespace of its own: /),
        versions: expect.stringMatching(
          new RegExp(`^good: node ${stdout.trim().replaceAll('.', '\\.')}, glibc, koffi [0-9.]+$`),
        ),
        start: plainStart,
        // What node calls a pipe.
        stdin: 'note: standard input: a socket',
        stderr: 'note: standard error: a socket',
        stop: 'good: node gets the stop signal itself',
      };
    }
  });
}

const preparedStart = 'good: prepared: it has taken the code that subreaper prepare has written';
const plainStart = 'note: not prepared: with subreaper prepare in the image, each start takes less time';

/** Each finding's kind and text, by its name. */
function findingsIn(json: string): Record<string, string> {
  const { findings } = JSON.parse(json) as { findings: { name: string; kind: string; text: string }[] };
  return Object.fromEntries(findings.map(({ name, kind, text }) => [name, `${kind}: ${text}`]));
}

/**
 * Waits until the orphan has come to PID 1, ends it, and waits until PID 1 has no zombie.
 * @param own how many children PID 1 has besides
 */
async function orphanIsReaped(running: RunningInit, own: number): Promise<void> {
  expect(await running.nextLine()).toBe('ready');
  await until(() => childrenOf(running.pid).length === own + 1, 'PID 1 adopts the orphan');
  running.stdin.end();
  await until(() => childrenOf(running.pid).length === own, 'the orphan is reaped');
}
