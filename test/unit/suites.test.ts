import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import config from '../../vitest.config.ts';
import { root } from '../helpers/documentation.ts';
import { markdownTable } from '../helpers/markdown-table.ts';
import { suites } from '../suites.mjs';

const { projects: configured } = config.test as { projects: readonly { test: { name: string } }[] };
const projects = configured.map(({ test }) => test.name);

test('each folder of tests is a project', () => {
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const withTests = folders.filter((name) =>
    readdirSync(join(root, 'test', name)).some((file) => file.endsWith('.test.ts')),
  );
  expect(projects.toSorted()).toEqual(withTests.toSorted());
});

test('each project is in a suite, and each suite has projects and files that exist', () => {
  const words = Object.values(suites).flatMap(({ command }) => command.split(' '));
  const named = words.filter((_, index) => words[index - 1] === '--project');
  const plain = named.map((name) => name.replaceAll(/['!]/g, ''));
  expect([...new Set(plain)].sort()).toEqual(projects.toSorted());
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const scripts = words.filter((word) => word.endsWith('.mjs')).map((word) => word.replace('test/', ''));
  expect(scripts.filter((script) => !files.includes(script))).toEqual([]);
  for (const { command } of Object.values(suites)) {
    const filters = command.split(/--project \S+/).at(-1) as string;
    if (!command.includes('vitest')) continue;
    for (const filter of filters.split(' ').filter((word) => word !== ''))
      expect(
        files.filter((file) => file.endsWith(`/${filter}.test.ts`)),
        filter,
      ).not.toEqual([]);
  }
});

test('the suites whole and owners have each file of test/integration that tries a sample', () => {
  const folder = join(root, 'test/integration');
  const sampled = readdirSync(folder).filter((file) =>
    readFileSync(join(folder, file), 'utf8').includes('/whole.ts'),
  );
  const words = [suites['whole'], suites['owners']].flatMap((suite) => suite?.command.split(' '));
  expect(words).toEqual(expect.arrayContaining(sampled.map((file) => file.replace('.test.ts', ''))));
});

test('CONTRIBUTING.md has the table of the suites (update it with: npm run docs)', async () => {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const rows = Object.entries(suites).map(([name, { tries, time, needs }]) => [
    `\`${name}\``,
    tries,
    time,
    needs,
  ]);
  const table = markdownTable(['suite', 'what it tries', 'time on two cores', 'needs'], ...rows);
  const [before, after] = page.split(/^\| suite [\s\S]*?\n(?=\n)/m) as [string, string];
  await expect(`${before}${table}\n${after}`).toMatchFileSnapshot('../../CONTRIBUTING.md');
});

const runSuite = (...args: string[]) =>
  spawnSync(process.execPath, ['test/suite.mjs', ...args], { cwd: root, encoding: 'utf8' });

test('npm run suite lists the suites, and knows no other', () => {
  const { status, stdout } = runSuite();
  expect(status).toBe(0);
  for (const name of Object.keys(suites)) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
  expect(runSuite('untested')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: "subreaper: there is no suite 'untested'; npm run suite lists them\n",
  });
});

test('a build says what is missing, and leaves alone what is up to date', () => {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-build-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const inputs = [
    'build.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'src',
  ];
  for (const name of inputs) cpSync(join(root, name), join(folder, name), { recursive: true });
  const build = () => spawnSync(process.execPath, ['build.mjs'], { cwd: folder, encoding: 'utf8' });
  const stderr = 'subreaper: cannot build, esbuild is not installed; run npm ci first\n';
  expect(build()).toMatchObject({ status: 1, stdout: '', stderr });

  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), '');
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/vitest.mjs'), '');
  const inAnHour = Date.now() / 1000 + 3600;
  utimesSync(join(folder, 'dist/vitest.mjs'), inAnHour, inAnHour);
  expect(build()).toMatchObject({ status: 0, stdout: '', stderr: '' });

  utimesSync(join(folder, 'src/cli/main.ts'), inAnHour, inAnHour);
  expect(build()).toMatchObject({ status: 1, stderr });
});
