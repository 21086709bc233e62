import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { launcher, refuse } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { type InitOptions, runInit, startProcess } from '../helpers/run-init.ts';

interface Diagnosis {
  readonly well: boolean;
  readonly findings: readonly { readonly name: string; readonly kind: string; readonly text: string }[];
}

async function examine(init: Partial<InitOptions>): Promise<Diagnosis & { code: number | null }> {
  const { code, stdout, stderr } = await runInit({ options: ['--doctor-json'], command: [], ...init });
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Diagnosis), code };
}

const textOf = ({ findings }: Diagnosis, name: string) =>
  findings.find((finding) => finding.name === name)?.text;

describeModes([], '--doctor', (mode) => {
  test('says in a line each what there is, and ends with 0', async () => {
    const { code, stdout, stderr } = await runInit({
      mode,
      options: ['--doctor'],
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
      options: ['--doctor'],
      command: ['sh', '-c', `echo ran ${secret}`],
      spawn: { env: { ...process.env, SECRET: secret } },
    });
    expect(stdout).toContain('sh stands between');
    expect(stdout).not.toMatch(new RegExp(`${secret}|^ran`, 'm'));
  });

  test('leaves nothing behind', async () => {
    const before = readdirSync('.').sort();
    await examine({ mode });
    expect(readdirSync('.').sort()).toEqual(before);
  });
});

describeWith(['refuse'], '--doctor where a call is refused', () => {
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

describeWith(['namespaces'], '--doctor below an init', () => {
  test('says what it runs', async () => {
    const inner = startProcess([
      'sh',
      '-c',
      `exec ${launcher} -- sh -c '${launcher} --doctor-json; read -r _'`,
    ]);
    const diagnosis = JSON.parse(await inner.nextLine()) as Diagnosis;
    expect(textOf(diagnosis, 'pid1')).toContain('below sh, subreaper');
    inner.stdin.write('\n');
    await inner.exit;
  });
});
