import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';

/** Runs the demo of an example. @returns the JSON of its last line */
function runDemo(name: string, ...args: string[]): Promise<{ code: number; result: unknown }> {
  return new Promise((resolve, reject) => {
    execFile('node', [`examples/${name}/demo.mjs`, '--json', ...args], (error, stdout, stderr) => {
      const lastLine = stdout.trimEnd().split('\n').at(-1) ?? '';
      try {
        resolve({ code: Number(error?.code ?? 0), result: JSON.parse(lastLine) });
      } catch {
        reject(new Error(`no result in the last line:\n${stdout}${stderr}`));
      }
    });
  });
}

/** The last lines of the hung-workers example. */
function runHungWorkers(PATH: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH };
    execFile('node', ['examples/hung-workers/demo.mjs'], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trimEnd().split('\n').slice(-2));
      else reject(new Error(`${stdout}${stderr}`));
    });
  });
}

describe('the hung-workers example', () => {
  const PATH = process.env['PATH'] as string;
  const comparison = (place: string) => [
    `bare node ${place}: zombies left: 9`,
    `subreaper ${place}: zombies left: 0`,
  ];

  test('shows what each init leaves as PID 1', needs('namespaces'), async () => {
    expect(await runHungWorkers(PATH)).toEqual(comparison('as PID 1'));
  });

  test('shows the same of child subreapers where no namespace can be made', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    expect(await runHungWorkers(`${folder}:${PATH}`)).toEqual(comparison('as a child subreaper'));
  });
});

describeWith(['namespaces'], 'the cluster example', () => {
  test('ends hung workers with all that they started', async () => {
    expect(await runDemo('cluster')).toEqual({
      code: 0,
      result: {
        workersKilled: 5,
        exitsSeen: 5,
        orphansLeft: 0,
        zombiesLeft: 0,
        // Some shells wait for children that end before them: those are no orphans.
        reaped: expect.any(Number),
        endedGracefully: 2,
      },
    });
  });
});

describeWith([], 'the prometheus example', () => {
  test('counts each orphan once', async () => {
    expect(await runDemo('prometheus')).toEqual({
      code: 0,
      result: {
        orphans: [
          'subreaper_orphans_total{name="sh",end="3"} 3',
          'subreaper_orphans_total{name="sleep",end="0"} 3',
        ],
      },
    });
  });
});

describe.each([
  ['mcp', [], ['the server alone', 'the server below subreaper']],
  ['dev-server', [], ['spawn', 'spawnBound']],
  ['bound-browser', ['chromium'], ['Chromium alone', 'Chromium below subreaper']],
] as const)('the %s example', (name, parts, [alone, bound]) => {
  describeWith(parts, 'SIGKILLs the owner', () => {
    test('and finds what is left, without and with', async () => {
      expect(await runDemo(name)).toEqual({
        code: 0,
        result: [
          { name: alone, isLeft: true },
          { name: bound, isLeft: false },
        ],
      });
    });
  });
});

describeWith(['namespaces', 'chromium'], 'the screenshots example', () => {
  test('takes every screenshot and leaves no zombie of a killed browser', async () => {
    const run = { kills: 3, exitsSeen: 3, pngs: 6, unavailable: 0, failures: [] };
    const { code, result } = await runDemo('screenshots', '3');
    expect(code).toBe(0);
    expect(result).toMatchObject({ ok: true, rounds: 3, runs: [run, { ...run, zombies: 0 }] });
    const [bare] = (result as { runs: { zombies: number }[] }).runs;
    expect(bare?.zombies).toBeGreaterThan(3);
  });
});
