// .ci/run, with a stand-in for npm: vitest runs tests that fail and hang as they are told.
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { needs } from '../helpers/needs.ts';
import { runningWith, until } from '../helpers/proc.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';

/** HANGS and FAILS: which steps do so. */
const npm = `#!/usr/bin/env bash
echo "$*" >>steps
if [[ $* =~ $FAILS ]]; then echo "the story of $*"; exit 3; fi
if [[ $* =~ $HANGS ]]; then trap '' TERM; sleep infinity & wait; fi
if [ "$1" = test ]; then exec node_modules/.bin/vitest run --config vitest.config.mjs "\${@:3}"; fi
`;
const suite = "console.log('packages: ' + process.argv.slice(2));";

interface Told {
  /** Which files of tests there are, and their text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly fails?: string;
  readonly hangs?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const passes = test_('passes', '');
/** A test that does this the first time it runs. */
const once = (does: string) => `
  const { existsSync, writeFileSync } = await import('node:fs');
  const isFirst = !existsSync('was-here-' + name);
  writeFileSync('was-here-' + name, '');
  if (isFirst) { ${does} }`;
function test_(name: string, body: string): string {
  return `import { test } from 'vitest';
    test(${JSON.stringify(name)}, async () => { const name = ${JSON.stringify(name)}; ${body} });
    test('left out', { skip: true }, () => {});`;
}

function startRun({ files = { passes }, fails = 'nothing', hangs = 'nothing', env = {} }: Told = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-ci-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['bin', 'test/helpers']) mkdirSync(join(folder, name), { recursive: true });
  cpSync(join(root, '.ci'), join(folder, '.ci'), { recursive: true });
  for (const name of ['file-reporter.mjs', 'proc.mjs', 'slowness.mjs', 'test-run.mjs'])
    cpSync(join(root, 'test/helpers', name), join(folder, 'test/helpers', name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'bin/npm'), npm, { mode: 0o755 });
  writeFileSync(join(folder, 'test/suite.mjs'), suite);
  writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {};');
  writeFileSync(join(folder, 'steps'), '');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.test.mjs`), text);
  const mark = randomUUID();
  const path = [join(folder, 'bin'), process.env['PATH']].join(delimiter);
  const run = startProcess([join(folder, '.ci/run')], {
    env: { ...process.env, PATH: path, HANGS: hangs, FAILS: fails, MARK: mark, ...env },
  });
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { run, mark, read, steps: () => read('steps').split('\n').slice(0, -1) };
}

const runs = needs('bash', 'util-linux');

test(
  '.ci/run installs, checks, tests and ends with the demo and a line that counts the tests',
  runs,
  async () => {
    const { run, steps, read } = startRun({ files: { passes, another: test_('another', '') } });
    const { code, stdout } = await runToEnd(run);
    expect(stdout).toContain('packages: --install,test\n');
    expect(steps().map((step) => step.split(' --reporter')[0])).toEqual([
      'ci --no-audit --no-fund',
      'run --silent check',
      'test --',
      'run --silent demo',
    ]);
    expect(stdout).toMatch(/\n2 passed, 0 failed, 2 skipped\n$/);
    expect(JSON.parse(read('build/report/flickered.json'))).toEqual([]);
    expect(code).toBe(0);
  },
);

test('a file that fails once flickered', runs, async () => {
  const flickers = test_('is late', once("throw new Error('not yet')"));
  const { run, steps, read } = startRun({ files: { passes, flickers } });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(
    /\nflickered: flickers\.test\.mjs > is late\nnot yet\n[\s\S]*\n2 passed, 0 failed, 2 skipped\n$/,
  );
  expect(JSON.parse(read('build/report/flickered.json'))).toMatchObject([
    { file: 'flickers.test.mjs', test: 'is late' },
  ]);
  expect(steps().filter((step) => step.startsWith('test'))).toHaveLength(2);
  expect(steps().at(-1)).toBe('run --silent demo');
  expect(code).toBe(0);
});

test('a file that fails twice fails', runs, async () => {
  const { run, steps } = startRun({
    files: { passes, broken: test_('is broken', "throw new Error('why')") },
  });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(
    /\nfailed: broken\.test\.mjs > is broken\nwhy\n[\s\S]*\n1 passed, 1 failed, 2 skipped\n$/,
  );
  expect(steps().at(-1)).toContain('broken.test.mjs');
  expect(code).toBe(1);
});

test('a file that cannot be loaded, and one that throws behind its tests, fail', runs, async () => {
  const late =
    "setTimeout(() => { throw new Error('behind') }); await new Promise((end) => setTimeout(end, 50));";
  const { run } = startRun({ files: { passes, unloaded: 'import "./none.mjs"', late: test_('late', late) } });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(/\nfailed: unloaded\.test\.mjs\n/);
  expect(stdout).toMatch(/\nfailed: late\.test\.mjs > late\nbehind\n/);
  expect(stdout).toMatch(/\n2 passed, 2 failed, 2 skipped\n$/);
  expect(code).toBe(1);
});

test('more than three files that fail are no chance', runs, async () => {
  const names = ['one', 'two', 'three', 'four'];
  const files = Object.fromEntries(names.map((name) => [name, test_(name, once("throw new Error('')"))]));
  const { run, steps } = startRun({ files });
  const { code, stdout } = await runToEnd(run);
  expect(steps().filter((step) => step.startsWith('test'))).toHaveLength(1);
  expect(stdout).toMatch(
    /\n4 files failed: no chance, so none ran once more\n\n0 passed, 4 failed, 4 skipped\n$/,
  );
  expect(code).toBe(1);
});

const hang = `
  const { execFileSync } = await import('node:child_process');
  execFileSync('sh', ['-c', 'setsid sleep 1000 & sleep 1000']);`;

test('a file that hangs is ended with all that it has started, and runs once more', runs, async () => {
  const { run, mark } = startRun({
    files: { passes, hangs: test_('hangs', once(hang)) },
    env: { FILE_LIMIT_S: '5' },
  });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(/\nflickered: hangs\.test\.mjs\n[\s\S]*\n2 passed, 0 failed, 2 skipped\n$/);
  expect(runningWith(mark)).toEqual([]);
  expect(code).toBe(0);
});

test('a run without an end says which files ran and what they had said, and ends all', runs, async () => {
  const files = { hangs: `console.log('so far'); ${test_('hangs', hang)}`, passes };
  const { run, mark } = startRun({ files, env: { DEADLINE_S: '15' } });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(
    /=== no end within 25 minutes; what runs[\s\S]*sleep 1000[\s\S]*hangs\.test\.mjs\.log, so far/,
  );
  expect(stdout).not.toContain('passes.test.mjs.log, so far');
  expect(runningWith(mark)).toEqual([]);
  expect(code).toBe(124);
});

test('a step that ignores SIGTERM ends too, before any test ran', runs, async () => {
  const { run, mark } = startRun({ hangs: 'silent check', env: { DEADLINE_S: '1', END_S: '1' } });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toMatch(/=== no end within 25 minutes; what runs[\s\S]*sleep infinity/);
  expect(runningWith(mark)).toEqual([]);
  expect(code).toBe(124);
});

test('no test runs where the types or the style are wrong', runs, async () => {
  const { run, steps } = startRun({ fails: 'silent check' });
  expect(await runToEnd(run)).toMatchObject({ code: 3 });
  expect(steps().at(-1)).toBe('run --silent check');
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('interrupted by %s, .ci/run ends all that it has started', runs, async (signal, code) => {
  const { run, mark } = startRun({ files: { hangs: test_('hangs', hang) } });
  await until(
    () => runningWith(mark).filter(({ name }) => name === 'sleep').length === 3,
    'a test hangs, beside the deadline',
  );
  run.kill(signal);
  expect(await run.exit).toEqual({ code, signal: null });
  expect(runningWith(mark)).toEqual([]);
});
