import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { describeWith } from '../helpers/modes.ts';

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
