import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waysToRegister } from '../helpers/own-init.ts';
import { runInit } from '../helpers/run-init.ts';

const root = resolve(import.meta.dirname, '../..');

/** Copies an installed dependency and its run-time dependencies. */
function copyInstalled(name: string, modules: string): void {
  cpSync(join(root, 'node_modules', name), join(modules, name), { recursive: true });
}

describe('the packed package', () => {
  let folder: string;
  let files: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    // Without scripts: prepack would rebuild the tree while other tests use it.
    const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    });
    const parsed = JSON.parse(output);
    const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
    files = (packed as { files: { path: string }[] }).files.map(({ path }) => path);
    execFileSync('tar', ['-xzf', join(folder, (packed as { filename: string }).filename), '-C', folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const command = ['sh', '-c', 'exit 7'];

  test('holds what a user needs, and nothing else', () => {
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'bin/subreaper', 'dist/cli.cjs']),
    );
    expect(
      files.filter(
        (file) =>
          !/^(bin|dist|docs|man)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/.test(
            file,
          ),
      ),
    ).toEqual([]);
  });

  test('runs as npm installs it', async () => {
    const modules = join(folder, 'npm/node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    cpSync(join(folder, 'package'), join(modules, 'subreaper'), { recursive: true });
    for (const name of ['koffi', '@koromix']) copyInstalled(name, modules);
    symlinkSync('../subreaper/bin/subreaper', join(modules, '.bin/subreaper'));
    const exit = await runInit({ launch: [join(modules, '.bin/subreaper')], command });
    expect(exit).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  });

  test('runs as pnpm installs it', async () => {
    const store = join(folder, 'pnpm/node_modules/.pnpm');
    const own = join(store, 'subreaper@1/node_modules');
    const koffi = join(store, 'koffi@3/node_modules');
    mkdirSync(own, { recursive: true });
    mkdirSync(koffi, { recursive: true });
    cpSync(join(folder, 'package'), join(own, 'subreaper'), { recursive: true });
    for (const name of ['koffi', '@koromix']) copyInstalled(name, koffi);
    symlinkSync('../../koffi@3/node_modules/koffi', join(own, 'koffi'));
    symlinkSync('.pnpm/subreaper@1/node_modules/subreaper', join(folder, 'pnpm/node_modules/subreaper'));
    const exit = await runInit({
      launch: [join(folder, 'pnpm/node_modules/subreaper/bin/subreaper')],
      command,
    });
    expect(exit).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  });

  test('says in one line what is missing without koffi’s addon', async () => {
    const modules = join(folder, 'incomplete/node_modules');
    mkdirSync(modules, { recursive: true });
    cpSync(join(folder, 'package'), join(modules, 'subreaper'), { recursive: true });
    copyInstalled('koffi', modules);
    const exit = await runInit({ launch: [join(modules, 'subreaper/bin/subreaper')], command });
    expect(exit).toMatchObject({ code: 125, stdout: '' });
    expect(exit.stderr).toMatch(/^subreaper: cannot start, koffi[^\n]+install[^\n]+\n$/);
  });

  test.each(waysToRegister)(
    'says so in one line too where an app is to be its own init, with %s',
    (...way) => {
      const cwd = join(folder, 'incomplete');
      const { status, stdout, stderr } = spawnSync('node', [...way, '-e', 'console.log("app")'], {
        cwd,
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toMatch(/^subreaper: koffi[^\n]+install[^\n]+\n$/);
    },
  );

  /** How many reapers a process has. It must be one, however many copies it loads. */
  const logReapers = `console.log(Object.getOwnPropertySymbols(globalThis)
    .filter(({ description }) => /^subreaper/.test(description)).length)`;
  const names = 'SystemError,becomeSubreaper,descendants,killTree,register,spawnBound';

  test.each([
    ['import', 'module', `import 'subreaper/register'; import * as s from 'subreaper';`],
    ['require', 'commonjs', `require('subreaper/register'); const s = require('subreaper');`],
  ])('can be loaded with %s, by name', (_, type, load) => {
    const output = execFileSync(
      'node',
      [
        `--input-type=${type}`,
        '-e',
        `${load}
        const named = Object.keys(s).filter((name) => !/^default$|^module.exports$/.test(name));
        console.log(named.sort().join());
        ${logReapers};
        console.log(s.register().reaped);`,
      ],
      { cwd: join(folder, 'npm'), encoding: 'utf8' },
    );
    expect(output).toBe(`${names}\n1\n0\n`);
  });

  test.each(['cjs', 'esm'] as const)('makes an app its own init that is bundled as %s', (format) => {
    const cwd = join(folder, 'npm');
    const outfile = join(cwd, `bundled.${format === 'cjs' ? 'cjs' : 'mjs'}`);
    const contents = `import 'subreaper/register'; ${logReapers};`;
    const options = ['--bundle', '--platform=node', `--format=${format}`, `--outfile=${outfile}`];
    execFileSync(join(root, 'node_modules/.bin/esbuild'), options, { cwd, input: contents, stdio: 'pipe' });
    expect(execFileSync('node', [outfile], { encoding: 'utf8' })).toBe('1\n');
  });

  test.each([
    ['ESM', 'mts', 'nodenext'],
    ['CommonJS', 'cts', 'nodenext'],
    ['a bundler', 'mts', 'esnext'],
  ])('has types for %s', (_, extension, module) => {
    const file = join(folder, 'npm', `consumer-${module}.${extension}`);
    const consumer = (pidType: string) => `
      import { type EventChannels, type ReapedOrphan, descendants, killTree, register } from 'subreaper';
      import 'subreaper/register';
      const registration = register({
        onReap: ({ pid, name, code, signal, userCpuMs, maxRssKib, lifetimeMs }: ReapedOrphan) => {
          const all: [${pidType}, string | null, number | null, string | null, number, number, number | null] =
            [pid, name, code, signal, userCpuMs, maxRssKib, lifetimeMs];
          void all;
        },
        owns: (pid) => pid === 1,
      });
      const exitCode = (orphan: EventChannels['subreaper:orphan']): number | undefined => orphan['process.exit.code'];
      void exitCode;
      const pids: number[] = [...registration.orphans(), ...descendants(1)].map(({ pid }) => pid);
      void killTree(pids[0] ?? 0, { signal: 'SIGTERM', graceMs: 1 });
      registration.unregister();
    `;
    const check = (source: string) => {
      writeFileSync(file, source);
      const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
      const resolution = module === 'esnext' ? ['--moduleResolution', 'bundler'] : [];
      return spawnSync(
        join(root, 'node_modules/.bin/tsc'),
        ['--ignoreConfig', '--noEmit', '--strict', '--module', module, ...resolution, ...types, file],
        { encoding: 'utf8' },
      );
    };
    expect(check(consumer('number'))).toMatchObject({ status: 0, stdout: '' });
    expect(check(consumer('string')).stdout).toContain("'number' is not assignable to type 'string'");
  });
});

// Not with --omit=dev: npm then leaves out signal-exit too, whose older version the tests use.
test('the bill of materials tells what the package depends on from what its development does', () => {
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const { bomFormat, components } = JSON.parse(text) as {
    bomFormat: string;
    components: readonly { name: string; properties: readonly { name: string }[] }[];
  };
  expect(bomFormat).toBe('CycloneDX');
  const names = components
    .filter(({ properties }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'))
    .map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['koffi', 'pino', 'signal-exit']));
  expect(names).not.toContain('typescript');
});
