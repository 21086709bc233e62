import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { compile } from '../helpers/compile.mjs';
import { buildFolder, launcher, missing } from '../helpers/environment.ts';
import { tables } from '../helpers/environment-variables.ts';
import { describeWith } from '../helpers/modes.ts';
import { runInit } from '../helpers/run-init.ts';

const PATH = process.env['PATH'] as string;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Prints init's environment and its own, as the kernel has them. The shell does not change those. */
const seeBoth = ['sh', '-c', 'cat /proc/$PPID/environ; printf "|"; cat /proc/$$/environ; exit 3'];

const rows = tables
  .filter(({ names }) => !names.includes('PATH'))
  .map((row) => ({ ...row, title: row.names.join(', ') }));

/** `sh`, and bash by its own name, which has variables of its own. */
const shells = [
  ['sh', [launcher]],
  ...(missing('bash') === undefined ? [['bash', ['bash', launcher]] as const] : []),
] as const;

describe.each(shells)('with the launcher in %s', (_, launch) => {
  test.each(rows)('$title: unchanged for the workload, and $outcome in init', async (row) => {
    const folder = temporaryFolder();
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    writeFileSync(join(folder, 'file.cjs'), `require('node:fs').writeFileSync('${empty}/ran', '')\n`);
    const value = row.value.replace('FOLDER', empty).replace('FILE', join(folder, 'file.cjs'));
    const env = { PATH, ...Object.fromEntries(row.names.map((name) => [name, value])) };
    const { code, stdout, stderr } = await runInit({ launch, command: seeBoth, spawn: { env } });
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    const [ofInit = [], ofWorkload] = stdout
      .trimEnd()
      .split('|')
      .map((text) => text.split('\0').filter(Boolean).sort());
    expect(ofWorkload).toEqual(
      Object.entries(env)
        .map((entry) => entry.join('='))
        .sort(),
    );
    expect(ofInit).toContain(`PATH=${PATH}`);
    if (row.outcome === 'hidden') {
      for (const name of row.names) expect(ofInit).toContain(`SUBREAPER_SAVED_${name}=${value}`);
      expect(ofInit.filter((entry) => row.names.includes(entry.split('=')[0] as string))).toEqual([]);
    }
    expect(readdirSync(empty)).toEqual([]);
  });
});

describe('node', () => {
  const library = resolve(buildFolder, 'asked-variables.so');
  let canCompile = false;
  beforeAll(() => {
    const source = resolve(import.meta.dirname, '../helpers/asked-variables.c');
    canCompile = compile(source, library, ['-shared', '-fPIC', '-ldl']);
  });

  test('asks for no variable that is not in docs/environment.md', async ({ skip }) => {
    if (!canCompile) skip('no C compiler (cc)');
    const asked = join(temporaryFolder(), 'asked');
    const { code } = await runInit({
      options: ['-vvv', '--report', '-', '--log-format', 'pretty'],
      command: ['sh', '-c', 'kill -KILL $$'],
      spawn: { env: { PATH, LD_PRELOAD: library, ASKED_VARIABLES: asked } },
    });
    expect(code).toBe(137);
    const names = new Set(readFileSync(asked, 'utf8').trim().split('\n'));
    expect(names).toContain('NODE_OPTIONS');
    const known = new Set(tables.flatMap((row) => row.names));
    expect([...names].filter((name) => !known.has(name) && !name.startsWith('SUBREAPER_'))).toEqual([]);
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
});
