import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compile } from '../helpers/compile.mjs';
import { buildFolder, launcher, unshareArguments } from '../helpers/environment.ts';
import { ofSubreaper, ofTheShell, type Row, tables } from '../helpers/environment-variables.ts';
import { describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { until } from '../helpers/proc.ts';
import { runInit, startInit } from '../helpers/run-init.ts';

const PATH = process.env['PATH'] as string;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Prints init's environment and its own, as the kernel has them. The shell does not change those. */
const seeBoth = ['sh', '-c', 'cat /proc/$PPID/environ; printf "|"; cat /proc/$$/environ; exit 3'];

const toTest = (some: readonly Row[]) =>
  some.filter(({ names }) => !names.includes('PATH')).map((row) => ({ ...row, title: row.names.join(', ') }));
const rows = toTest(tables);

/** A folder that must stay empty, and what a row sets its variables to. */
function scene() {
  const folder = temporaryFolder();
  const empty = join(folder, 'empty');
  const file = join(folder, 'file.cjs');
  mkdirSync(empty);
  writeFileSync(file, `require('node:fs').writeFileSync('${empty}/ran', '')\n`);
  const set = ({ names, value }: Pick<Row, 'names' | 'value'>) =>
    names.map((name) => [name, value.replace('FOLDER', empty).replace('FILE', file)] as const);
  return { empty, set };
}

type Variables = readonly (readonly [name: string, value: string])[];
const entries = (variables: Variables) => variables.map((variable) => variable.join('=')).sort();

/** Runs init with these variables. @returns its environment and the workload's */
async function environments(launch: readonly string[], variables: Variables) {
  const env = Object.fromEntries([...variables, ['PATH', PATH]]);
  const { code, stdout, stderr } = await runInit({ launch, command: seeBoth, spawn: { env } });
  expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
  const [ofInit = [], ofWorkload = []] = stdout
    .trimEnd()
    .split('|')
    .map((text) => text.split('\0').filter(Boolean).sort());
  expect(ofInit).toContain(`PATH=${PATH}`);
  return { ofInit, ofWorkload: ofWorkload.filter((entry) => entry !== `PATH=${PATH}`) };
}

function expectHidden(ofInit: readonly string[], variables: Variables): void {
  for (const [name, value] of variables) expect(ofInit).toContain(`SUBREAPER_SAVED_${name}=${value}`);
  const names = variables.map(([name]) => name);
  expect(ofInit.filter((entry) => names.includes(entry.split('=')[0] as string))).toEqual([]);
}

/** `sh`, and bash by its own name, which has variables of its own. */
function describeShells(
  name: string,
  tests: (launch: readonly string[], itsRows: ReturnType<typeof toTest>) => void,
): void {
  describeWith([], `${name} sh`, () => tests([launcher], rows));
  describeWith(['bash'], `${name} bash`, () => tests(['bash', launcher], toTest(ofTheShell)));
}

describeShells('with the launcher in', (launch, itsRows) => {
  test.each(itsRows)('$title: unchanged for the workload, and $outcome in init', async (row) => {
    const { empty, set } = scene();
    const variables = set(row);
    const { ofInit, ofWorkload } = await environments(launch, variables);
    expect(ofWorkload).toEqual(entries(variables));
    if (row.outcome === 'hidden') expectHidden(ofInit, variables);
    expect(readdirSync(empty)).toEqual([]);
  });
});

for (const shell of ['dash', 'bash', 'busybox'] as const) {
  describeWith([shell], `all of these variables at once, with the launcher in ${shell}`, () => {
    test('do nothing to init, whatever they say', async () => {
      const { empty, set } = scene();
      const hidden = rows.filter(({ outcome }) => outcome === 'hidden').flatMap(set);
      const idle = rows.filter(({ outcome }) => outcome === 'idle').flatMap(set);
      const passedOn = [...hidden, ...idle, ...ofSubreaper.filter((row) => row.isPassedOn).flatMap(set)];
      const removed = ofSubreaper.filter((row) => !row.isPassedOn).flatMap(set);
      expect(passedOn.length + removed.length).toBeGreaterThan(35);
      const launch = [...(shell === 'busybox' ? ['busybox', 'sh'] : [shell]), launcher];
      const { ofInit, ofWorkload } = await environments(launch, [...passedOn, ...removed]);
      expect(ofWorkload).toEqual(entries(passedOn));
      expectHidden(ofInit, hidden);
      expect(readdirSync(empty)).toEqual([]);
    });
  });
}

describeShells('subreaper’s own variables, with the launcher in', (launch) => {
  const both = ['sh', '-c', 'cat /proc/$$/cmdline /proc/$$/environ; exit 3'];
  const see = (env: Record<string, string>, mode?: 'pid1', command: readonly string[] = both) =>
    runInit({ launch, command, spawn: { env: { PATH, ...env } }, ...(mode && { mode }) });

  test.each(ofSubreaper.map((row) => ({ ...row, title: row.names.join(', ') })))(
    '$title: from anybody, it changes nothing for the workload',
    async ({ names, value, isPassedOn }) => {
      const env = Object.fromEntries(names.map((name) => [name, value]));
      const { code, stdout, stderr } = await see(env);
      expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
      const expected = Object.entries({ PATH, ...(isPassedOn && env) }).map((entry) => entry.join('='));
      expect(stdout.trimEnd().split('\0').filter(Boolean).sort()).toEqual([...both, ...expected].sort());
    },
  );

  const theirs = { SUBREAPER_NODE: '/bin/false', SUBREAPER_ARGV0: 'other' };

  test('the parent may name a node, and the workload’s argv[0]', async () => {
    const named = { ...theirs, SUBREAPER_NODE: process.execPath, SUBREAPER_PARENT: `${process.pid}` };
    // Not sh: busybox does what the name says.
    const command = [process.execPath, '-p', 'process.argv0'];
    expect(await see(named, undefined, command)).toMatchObject({ code: 0, stdout: 'other\n' });
    expect(await see({ ...theirs, SUBREAPER_PARENT: `${process.pid}` })).toMatchObject({ code: 1 });
  });

  test('another process may not', async () => {
    const { code, stdout } = await see({ ...theirs, SUBREAPER_PARENT: `${process.ppid}` });
    expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringMatching(/^sh\0/) });
  });

  describeWith(['namespaces'], 'in PID 1', () => {
    test('nobody may: its parent’s pid is 0, as all know', async () => {
      const { code, stdout } = await see({ ...theirs, SUBREAPER_PARENT: '0' }, 'pid1');
      expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringMatching(/^sh\0/) });
    });
  });
});

describe('node', () => {
  const library = resolve(buildFolder, 'asked-variables.so');

  test('writes what NODE_OPTIONS asks for about the workload, and nothing about init', async () => {
    const folder = temporaryFolder();
    const init = await startInit({
      // Both are written to the working directory, which init leaves if it may not have to start anything again.
      options: ['--restart', 'on-failure'],
      command: ['node', '-e', 'console.log(process.pid); setInterval(() => {}, 1e6)'],
      spawn: {
        env: {
          PATH,
          NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2 --report-on-signal --report-signal=SIGHUP',
        },
        cwd: folder,
      },
    });
    const workload = await init.nextLine();
    const written = async (signal: NodeJS.Signals, kind: string) => {
      init.kill(signal);
      await until(
        () => readdirSync(folder).some((file) => file.startsWith(kind)),
        `${kind} has been written`,
      );
    };
    // Both hold the environment.
    await written('SIGUSR2', 'Heap.');
    await written('SIGHUP', 'report.');
    init.kill('SIGTERM');
    await init.exit;
    expect(readdirSync(folder).filter((file) => !file.includes(`.${workload}.`))).toEqual([]);
  });

  test('asks for no variable that is not in docs/environment.md', needs('compiler'), async () => {
    const source = resolve(import.meta.dirname, '../helpers/asked-variables.c');
    compile(source, library, ['-shared', '-fPIC', '-ldl']);
    const asked = join(temporaryFolder(), 'asked');
    const { code } = await runInit({
      options: ['-vvv', '--report', '-', '--log-format', 'pretty'],
      command: ['sh', '-c', 'kill -KILL $$'],
      spawn: { env: { PATH, LD_PRELOAD: library, ASKED_VARIABLES: asked } },
    });
    expect(code).toBe(137);
    const names = new Set(readFileSync(asked, 'utf8').trim().split('\n'));
    expect(names).toContain('NODE_OPTIONS');
    const known = new Set([...tables, ...ofSubreaper].flatMap((row) => row.names));
    expect([...names].filter((name) => !known.has(name) && !name.startsWith('SUBREAPER_SAVED_'))).toEqual([]);
  });
});

describeWith(['bash'], 'bash with xtrace', () => {
  test('prints no value of the environment', async () => {
    const secret = 'hunter2-d41d8cd9';
    const env = { PATH, SHELLOPTS: 'xtrace:verbose', NODE_OPTIONS: `--title=${secret}`, SECRET: secret };
    const { code, stderr } = await runInit({
      launch: ['bash', launcher],
      command: ['true', secret],
      spawn: { env },
    });
    expect(code).toBe(0);
    expect(stderr).not.toContain(secret);
  });

  describeWith(['namespaces'], 'as /bin/sh', () => {
    test('prints no argument of a workload that gets its own pid in LISTEN_PID', async () => {
      const secret = 'hunter2-d41d8cd9';
      const traced = 'exec env LISTEN_PID=$$ LISTEN_FDS=0 SHELLOPTS=xtrace:verbose "$@"';
      const script = `mount --bind "$(command -v bash)" /bin/sh && ${traced}`;
      const { code, stderr } = await runInit({
        under: ['unshare', ...(unshareArguments ?? []), '--mount', 'sh', '-c', script, 'sh'],
        command: ['true', secret],
      });
      expect(code).toBe(0);
      expect(stderr).toContain('LISTEN_PIDFDID; export LISTEN_PID');
      expect(stderr).not.toContain(secret);
    });
  });

  test('runs the commands in PS4, as the table says, but not as root', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    // The launcher alone, which another user can read: its first line is enough.
    cpSync(launcher, join(folder, 'subreaper'));
    const isRoot = process.getuid?.() === 0;
    const ranFor = async (who: string, user?: { readonly uid: number; readonly gid: number }) => {
      const env = { PATH, SHELLOPTS: 'xtrace', PS4: `$(: >${folder}/${who})` };
      const launch = ['bash', join(folder, 'subreaper')];
      await runInit({ launch, command: ['true'], spawn: { env, cwd: folder, ...user } });
      return existsSync(join(folder, who));
    };
    const row = tables.find(({ names }) => names.includes('PS4'));
    const nobody = { uid: 65534, gid: 65534 };
    expect(await ranFor('anybody', isRoot ? nobody : undefined)).toBe(row?.outcome === 'acts');
    if (isRoot) expect(await ranFor('root')).toBe(false);
  });
});
