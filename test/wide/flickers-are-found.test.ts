// test/often.mjs, with tests that fail now and then. It keeps the machine busy itself.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { unshareArguments } from '../helpers/environment.ts';
import { lacking, needs } from '../helpers/needs.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';
import { hangMs } from '../helpers/slowness.mjs';

/** A test file whose test counts its runs in a file. */
const file = (name: string, body: string, imports = '') => `
  import { appendFileSync, readFileSync } from 'node:fs';
  import { test } from 'vitest';
  import { allProcesses, procFile } from './test/helpers/proc.mjs';
  ${imports}
  test('${name}', () => {
    appendFileSync('ran-${name}', '.');
    const time = readFileSync('ran-${name}', 'utf8').length;
    const loops = allProcesses().filter(({ pid }) => procFile(pid, 'cmdline').includes('while kill'));
    ${body}
  });`;

const differs = file('early', "if (time === 3) throw new Error('too early');");
const beside = file(
  'beside loops',
  "if (loops.length === 4) throw new Error('too late');",
  "import './imported.mjs';",
);
const large = file(
  'large',
  "if (readFileSync('/proc/sys/kernel/pid_max', 'utf8') === '4194304\\n') throw new Error('too large');",
  "import './imported.mjs';",
);
const same = file('same', '');

/** A clone with these tests, whose last commit has changed one of them, and what two others import. */
function clone() {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-often-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'test/helpers'), { recursive: true });
  const helpers = ['file-reporter.mjs', 'namespace.mjs', 'proc.mjs', 'slowness.mjs', 'test-run.mjs'];
  for (const name of ['often.mjs', ...helpers.map((helper) => `helpers/${helper}`)])
    cpSync(join(root, 'test', name), join(folder, 'test', name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const write = (texts: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=', ...args], { cwd: folder });
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'tests');
  };
  write({
    '.gitignore': 'build\nran-*\nnode_modules\n',
    'vitest.config.mjs': 'export default {};',
    'test/suites.mjs': `
      export const suites = { test: { command: 'vitest run --config vitest.config.mjs' } };
      export const reports = 'build/report/vitest';`,
    'early.test.mjs': '',
    'beside.test.mjs': beside,
    'large.test.mjs': large,
    'same.test.mjs': same,
    'imported.mjs': '',
  });
  write({ 'early.test.mjs': differs, 'imported.mjs': '// changed' });
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  return {
    start: (...command: string[]) =>
      startProcess(command, { cwd: folder, env: { ...process.env, PATH: path } }),
    timesOf: (name: string) => readFileSync(join(folder, `ran-${name}`), 'utf8').length,
  };
}

const isOlder = release().localeCompare('6.14', undefined, { numeric: true }) < 0;
const lack = isOlder ? 'Linux 6.14: before, kernel.pid_max was of the whole machine' : undefined;

test('what fails by chance, beside load and with large pids is counted, among the tests that a commit changes', {
  ...needs('namespaces'),
  ...lacking(lack),
  // It runs vitest twenty times.
  timeout: 10 * hangMs,
}, async () => {
  const { start, timesOf } = clone();
  // A new PID namespace has the greatest one.
  const script = [
    'echo 99999 >/proc/sys/kernel/pid_max',
    'node test/often.mjs',
    'status=$?; cat /proc/sys/kernel/pid_max; exit $status',
  ].join('; ');
  const run = start('unshare', ...(unshareArguments ?? []), 'sh', '-c', script);
  const { code, stdout } = await runToEnd(run);
  const row = (test: string, quiet: number, loops: number, pids: number, message: string) => {
    const cells = [`${quiet} of 10`, `${loops} of 5`, `${pids} of 5`, message].map((cell) => `'${cell}'`);
    return new RegExp(`│ ${[test, ...cells].join(' +│ ')} +│`);
  };
  expect(stdout).toMatch(row('early.test.mjs > early', 1, 0, 0, 'too early'));
  expect(stdout).toMatch(row('beside.test.mjs > beside loops', 0, 5, 0, 'too late'));
  expect(stdout).toMatch(row('large.test.mjs > large', 0, 0, 5, 'too large'));
  for (const name of ['early', 'beside loops', 'large']) expect(timesOf(name), name).toBe(20);
  expect(() => timesOf('same')).toThrow('ENOENT');
  expect(stdout).toMatch(/\n99999\n$/);
  expect(code).toBe(1);
});

test('a file that is not there is looked for once', async () => {
  const { code, stdout, stderr } = await runToEnd(clone().start('node', 'test/often.mjs', 'none'));
  expect(stdout.match(/=== /g)).toHaveLength(1);
  expect(stderr).toContain('No test files found');
  expect(code).toBe(2);
});
