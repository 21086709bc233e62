import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launcher, refuse } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { type InitOptions, runInit, runToEnd, startInit, startProcess } from '../helpers/run-init.ts';

interface Diagnosis {
  readonly well: boolean;
  readonly findings: readonly { readonly name: string; readonly kind: string; readonly text: string }[];
}

async function examine(init: Partial<InitOptions>): Promise<Diagnosis & { code: number | null }> {
  const { code, stdout, stderr } = await runInit({ options: ['doctor', '--json'], command: [], ...init });
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Diagnosis), code };
}

const textOf = ({ findings }: Diagnosis, name: string) =>
  findings.find((finding) => finding.name === name)?.text;

describeModes([], 'the doctor', (mode) => {
  test('says in a line each what there is, and ends with 0', async () => {
    const { code, stdout, stderr } = await runInit({
      mode,
      options: ['doctor'],
      command: ['node', 'server.js'],
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).toMatch(/^[✓·] [a-z0-9-]+ +\S/);
    expect(stdout).toContain('node gets the stop signal itself');
  });

  test('has the same for machines', async () => {
    const diagnosis = await examine({ mode });
    expect(diagnosis).toMatchObject({ code: 0, well: true });
    expect(textOf(diagnosis, 'pid1')).toMatch(
      mode === 'pid1' ? /^this is PID 1/ : /^this is pid \d+, below /,
    );
  });

  test('runs no command, and shows nothing of it but its name', async () => {
    const secret = 'hunter2-d41d8cd9';
    const { stdout } = await runInit({
      mode,
      options: ['doctor'],
      command: ['sh', '-c', `echo ran ${secret}`],
      spawn: { env: { ...process.env, SECRET: secret } },
    });
    expect(stdout).toContain('sh stands in between');
    expect(stdout).not.toMatch(new RegExp(`${secret}|^ran`, 'm'));
  });

  test('says which streams are closed, though node opens them', async () => {
    const launch = ['sh', '-c', 'exec "$0" "$@" <&- 2>&-', launcher];
    const diagnosis = await examine({ mode, launch });
    expect(textOf(diagnosis, 'stdin')).toBe('standard input: closed');
    expect(textOf(diagnosis, 'stderr')).toContain('standard error is closed');
  });

  test('says that it cannot know without /proc', needs('mounts'), async () => {
    const launch = [...withoutProc, launcher];
    const diagnosis = await examine({ mode, launch });
    expect(diagnosis).toMatchObject({ code: 1, well: false });
    for (const name of ['pids', 'no-new-privs', 'seccomp', 'memory']) {
      expect(textOf(diagnosis, name)).toMatch(/unknown|cannot be read/);
    }
  });

  test('leaves nothing behind', async () => {
    const before = readdirSync('.').sort();
    await examine({ mode });
    expect(readdirSync('.').sort()).toEqual(before);
  });
});

describeWith(['refuse'], 'the doctor where a call is refused', () => {
  test.each([
    ['wait4', 'wait'],
    ['prctl', 'subreaper'],
  ])('%s: a cross, and 1', async (call, name) => {
    const diagnosis = await examine({ launch: [refuse, call, 'EPERM', launcher] });
    expect(diagnosis).toMatchObject({ code: 1, well: false });
    expect(diagnosis.findings.filter(({ kind }) => kind === 'bad').map((finding) => finding.name)).toEqual([
      name,
    ]);
    expect(textOf(diagnosis, name)).toContain('EPERM');
  });
});

describeWith(['users', 'util-linux'], 'whether a tree can have a PID namespace of its own', () => {
  const saysIt = async (launch: readonly string[]) => textOf(await examine({ launch }), 'namespace');

  test('it can', async () => {
    expect(await saysIt([launcher])).toBe('a tree can have a PID namespace of its own: docs/owners.md');
  });

  test('the system refuses it', needs('refuse'), async () => {
    expect(await saysIt([refuse, 'unshare', 'EPERM', launcher])).toBe(
      'a tree cannot have a PID namespace of its own: unshare: unshare failed: Operation not permitted',
    );
  });

  test('there is no unshare', async () => {
    const PATH = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(PATH, { recursive: true }));
    symlinkSync(process.execPath, join(PATH, 'node'));
    const { code, stdout } = await runToEnd(
      startProcess([launcher, 'doctor', '--json'], { env: { ...process.env, PATH } }),
    );
    expect(code).toBe(0);
    expect(textOf(JSON.parse(stdout) as Diagnosis, 'namespace')).toBe(
      'a tree cannot have a PID namespace of its own: there is no unshare(1) of util-linux',
    );
  });
});

/** Hides /proc from a command. */
const withoutProc = [
  ...['unshare', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']), '--mount'],
  ...['sh', '-c', 'mount -t tmpfs none /proc; exec "$@"', 'sh'],
];

describeWith(['namespaces'], 'the doctor below a subreaper that is PID 1', () => {
  test('says once whether its workload gets the stop signal, whatever orphans it has', async () => {
    const orphans = '(sleep 1000 >/dev/null &); (setsid sleep 1000 >/dev/null &)';
    const command = ['sh', '-c', `${orphans}; ${launcher} doctor --json; read -r _`];
    const init = await startInit({ mode: 'pid1', command });
    const diagnosis = JSON.parse(await init.nextLine()) as Diagnosis;
    const stop = diagnosis.findings.filter(({ name }) => name === 'stop');
    expect(stop).toMatchObject([{ text: expect.stringMatching(/^sh stands in between/) }]);
    init.stdin.write('\n');
    await init.exit;
  });
});

describeWith([], 'subreaper doctor', () => {
  const run = (args: readonly string[]) => runToEnd(startProcess([launcher, ...args]));

  test('looks at the command behind --', async () => {
    const { code, stdout } = await run(['doctor', '--', 'npm', 'start']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('npm stands in between') });
  });

  test('with --json is for machines', async () => {
    const { stdout } = await run(['doctor', '--json', '--', 'npm']);
    expect(textOf(JSON.parse(stdout) as Diagnosis, 'stop')).toContain('npm stands in between');
  });

  test('is a command behind --', async () => {
    expect(await run(['--', 'doctor'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('not found'),
    });
  });
});
