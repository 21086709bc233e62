import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildFolder } from '../helpers/environment.ts';
import { install, unpackPackage } from '../helpers/packed-package.ts';
import { runningWith } from '../helpers/proc.ts';

const root = resolve(import.meta.dirname, '../..');

/** The set-up files of docs/testing.md for a runner. */
function documentedFiles(runner: string): Map<string, string> {
  const text = readFileSync(join(root, 'docs/testing.md'), 'utf8');
  const blocks = text.matchAll(/<!-- ([\w-]+): (\S+) -->\n\n```js\n([\s\S]*?)```/g);
  return new Map(
    [...blocks].filter(([, of]) => of === runner).map(([, , file, code]) => [file as string, code as string]),
  );
}

const body = (marker: string, { cleanedUp, first = '' }: Runner) => `
const start = (...args) => spawn('sleep', args, { stdio: 'ignore' });
${first}
test('clean before', () => {});
test('leaking', () => {
  spawn('sh', ['-c', 'sleep 61 & sleep 62; :'], { stdio: 'ignore', env: { ...process.env, MARKER: '${marker}' } });
});
test('clean after', async () => {
  const child = start('63');
  await new Promise((done) => child.on('spawn', done));
  child.kill();
});
${cleanedUp}
`;

interface Runner {
  readonly command: readonly string[];
  readonly testFile: string;
  readonly imports: string;
  /** Tests that leave a process, each with a way of the runner to clean up. */
  readonly cleanedUp: string;
  readonly first?: string;
}

/** Of the inner runners, whose 5 s for a hook are not enough on a slow machine. The outer one ends what hangs. */
const patienceMs = 600_000;

const runners: Readonly<Record<string, Runner>> = {
  vitest: {
    command: [
      'vitest/vitest.mjs',
      'run',
      '--reporter=json',
      `--testTimeout=${patienceMs}`,
      `--hookTimeout=${patienceMs}`,
    ],
    testFile: 'processes.test.mjs',
    imports: `import { spawn } from 'node:child_process';\nimport { onTestFinished, test } from 'vitest';`,
    cleanedUp: `
      test('cleaned up', () => { const child = start('64'); onTestFinished(() => void child.kill()); });
      test.extend({
        child: async ({}, use) => {
          const child = start('65');
          await use(child);
          child.kill();
        },
      })('cleaned up by a fixture', ({ child }) => child.ref());`,
  },
  'node-test': {
    command: ['--import', './setup.mjs', '--test', '--test-reporter=tap', 'processes.test.mjs'],
    testFile: 'processes.test.mjs',
    imports: `import { spawn } from 'node:child_process';\nimport { test } from 'node:test';`,
    cleanedUp: `
      test('cleaned up', (t) => { const child = start('64'); t.after(() => child.kill()); });`,
    first: `test('skips itself', (t) => t.skip());`,
  },
  jest: {
    command: ['jest/bin/jest.js', '--json', `--testTimeout=${patienceMs}`],
    testFile: 'processes.test.cjs',
    imports: `const { spawn } = require('node:child_process');`,
    cleanedUp: `describe('', () => {
      let child;
      afterEach(() => child.kill());
      test('cleaned up', () => { child = start('64'); });
    });`,
  },
};

/** The result of each test, from the runner's report. */
function outcomes(runner: string, output: string): Record<string, string> {
  if (runner === 'node-test') {
    const results = [...output.matchAll(/^(not )?ok \d+ - (.*)$/gm)];
    return Object.fromEntries(results.map(([, not, name]) => [name, not ? 'failed' : 'passed']));
  }
  const { testResults } = JSON.parse(output.slice(output.indexOf('{"num')));
  return Object.fromEntries(
    testResults[0].assertionResults.map(({ title, status }: { title: string; status: string }) => [
      title,
      status,
    ]),
  );
}

let packed: string;
beforeAll(() => {
  packed = mkdtempSync(join(buildFolder, 'packed-'));
  unpackPackage(packed);
});
afterAll(() => rmSync(packed, { recursive: true }));

describe.each(Object.entries(runners))('%s, as docs/testing.md sets it up', (runner, setUp) => {
  const { command, testFile, imports } = setUp;
  const marker = `subreaper-testing-${runner}-${process.pid}`;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(buildFolder, `${runner}-`));
    const modules = join(folder, 'node_modules');
    install(join(packed, 'package'), modules);
    for (const name of ['vitest', 'jest', 'signal-exit'])
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
    // In a package of ES modules a file of CommonJS needs its own extension.
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, testFile), imports + body(marker, setUp));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = () =>
    new Promise<{ status: number; stdout: string; all: string }>((done) => {
      const [first = '', ...rest] = command;
      const script = first.startsWith('-') ? first : join(root, 'node_modules', first);
      // Without the variables of this runner: the inner runner is another.
      const env = Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(VITEST|JEST|NODE_TEST|NODE_OPTIONS|TEST$|NODE_V8)/.test(name),
        ),
      );
      execFile('node', [script, ...rest], { cwd: folder, env }, (error, stdout, stderr) => {
        done({ status: Number(error?.code ?? 0), stdout, all: stdout + stderr });
      });
    });

  async function expectTheLeak(): Promise<void> {
    const { status, stdout, all } = await run();
    expect(outcomes(runner, stdout), all).toEqual({
      'clean before': 'passed',
      leaking: 'failed',
      'clean after': 'passed',
      'cleaned up': 'passed',
      ...(runner === 'vitest' && { 'cleaned up by a fixture': 'passed' }),
      ...(runner === 'node-test' && { 'skips itself # SKIP': 'passed' }),
      // Some versions of node:test count a file that runs in its own process as a test.
      ...(all.includes('- processes.test.mjs') && { 'processes.test.mjs': 'failed' }),
    });
    expect(status).toBe(1);
    expect(all).toMatch(/leaking left (?:a process|[23] processes) running, ended by now/);
    expect(all).toContain('sh -c sleep 61 & sleep 62; :');
    // The line that started it, in the runner's own words, and none of the kit.
    const line =
      1 + (imports + body(marker, setUp)).split('\n').findIndex((text) => text.includes('sleep 61'));
    expect(all).toMatch(new RegExp(`${testFile}:${line}:\\d+`));
    expect(all).not.toMatch(/subreaper\/dist/);
    expect(runningWith(marker)).toEqual([]);
  }

  test('only the test that leaks fails, by name, and the processes are ended', async () => {
    const files = documentedFiles(runner);
    expect(files.size).toBeGreaterThan(0);
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    await expectTheLeak();
    // The documentation has two ways for vitest.
    const config = files.get('vitest.config.mjs');
    if (config === undefined) return;
    writeFileSync(join(folder, 'vitest.config.mjs'), config.replace('subreaper/vitest', './setup.mjs'));
    await expectTheLeak();
  });
});
