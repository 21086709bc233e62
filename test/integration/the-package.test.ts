import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { nodeOf } from '../helpers/environment.ts';
import { describeWith } from '../helpers/modes.ts';
import { waysToRegister } from '../helpers/own-init.ts';
import { copyInstalled, install, unpackPackage } from '../helpers/packed-package.ts';
import { runInit } from '../helpers/run-init.ts';

const root = resolve(import.meta.dirname, '../..');

describe('the packed package', () => {
  let folder: string;
  let files: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    // What `subreaper prepare` leaves in a clone is no part of it.
    const ofAClone = join(root, 'dist/of-a-clone.cache');
    writeFileSync(ofAClone, '');
    files = unpackPackage(folder);
    rmSync(ofAClone);
    // As npm installs it: most tests use this.
    install(join(folder, 'package'), join(folder, 'npm/node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const command = ['sh', '-c', 'exit 7'];

  test('holds what a user needs, and nothing else', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'bin/subreaper',
        'dist/cli.cjs',
        'man/subreaper.1',
      ]),
    );
    // npm links a list of manual pages alone, no single name.
    expect(JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')).man).toEqual([
      'man/subreaper.1',
    ]);
    expect(files.filter((file) => file.endsWith('.cache'))).toEqual([]);
    const page = /^((README|CHANGELOG|CONTRIBUTING|RELEASING|SECURITY)\.md|LICENSE)$/;
    const isMeant = (file: string) =>
      /^((bin|dist|docs|man|examples)\/|bench\/(plots\/|\w+\.md$)|package\.json$)/.test(file) ||
      page.test(file);
    expect(files.filter((file) => !isMeant(file))).toEqual([]);
  });

  test('asks for provenance only where npm can give it: for a repository that it names', () => {
    const { repository, publishConfig } = JSON.parse(
      readFileSync(join(folder, 'package/package.json'), 'utf8'),
    );
    expect(publishConfig?.provenance === true && repository === undefined).toBe(false);
  });

  test('needs no install script: koffi’s finds its addon and does nothing', () => {
    const cwd = join(folder, 'npm/node_modules/koffi');
    const { scripts } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    expect(Object.keys(scripts)).toEqual(['install']);
    const filesNow = () => readdirSync(join(folder, 'npm/node_modules'), { recursive: true });
    const before = filesNow();
    const { status, stderr } = spawnSync('sh', ['-c', scripts.install], { cwd, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(filesNow()).toEqual(before);
  });

  test('its pages link to files that it holds', () => {
    const broken = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => {
        const text = readFileSync(join(folder, 'package', file), 'utf8').replace(/```.*?```/gs, '');
        const links = [...text.matchAll(/\]\(([^)#\s]+)|(?:src|srcset|href)="([^"#]+)/g)].map(
          ([, link, attribute]) => (link ?? attribute) as string,
        );
        return links
          .filter((link) => !/^\w+:/.test(link))
          .filter((link) => !existsSync(join(folder, 'package', dirname(file), link)))
          .map((link) => `${file}: ${link}`);
      });
    expect(broken).toEqual([]);
  });

  test('runs as npm installs it', async () => {
    const exit = await runInit({ launch: [join(folder, 'npm/node_modules/.bin/subreaper')], command });
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

  test('says in one line which platform node_modules is for', async () => {
    const modules = join(folder, 'mac/node_modules');
    mkdirSync(join(modules, '@koromix/koffi-darwin-arm64'), { recursive: true });
    cpSync(join(folder, 'package'), join(modules, 'subreaper'), { recursive: true });
    copyInstalled('koffi', modules);
    const exit = await runInit({ launch: [join(modules, 'subreaper/bin/subreaper')], command });
    const why = `node_modules has it for darwin-arm64, and this is linux-${process.arch}`;
    expect(exit).toEqual({
      code: 125,
      signal: null,
      stdout: '',
      stderr: `subreaper: cannot start, koffi cannot be loaded (${why}); install the packages on this platform\n`,
    });
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

  describeWith(['node-18'], 'under Node.js 18', () => {
    const tooOld = /node 18[.\d]+ is too old; use 20\.16, 22\.3 or newer/;
    const run = (program: string, args: readonly string[]) =>
      spawnSync(program, args, {
        cwd: join(folder, 'npm'),
        encoding: 'utf8',
        env: { ...process.env, PATH: `${nodeOf('18')}:${process.env['PATH']}` },
      });

    test.each([
      ['node_modules/.bin/subreaper', '--', 'true'],
      ['node', 'node_modules/subreaper/bin/subreaper', '--', 'true'],
      ...waysToRegister.map((way) => ['node', ...way, '-e', 'console.log("app")']),
    ])('%s %s %s: one line', (program, ...args) => {
      const { status, stdout, stderr } = run(program, args);
      expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^subreaper: (cannot start, )?${tooOld.source}\\n$`));
    });

    test.each(['subreaper', 'subreaper/testing'])('importing %s fails with that line', (name) => {
      for (const code of [`require('${name}')`, `import('${name}')`]) {
        const { status, stderr } = run('node', ['-e', code]);
        expect(status).toBe(1);
        expect(stderr).toMatch(new RegExp(`^Error: ${tooOld.source}$`, 'm'));
      }
    });
  });

  test('two versions share a process: one reaper, and each keeps its own registration, launcher and version', async () => {
    const modules = join(folder, 'two/node_modules');
    const nested = join(modules, 'dependency/node_modules/subreaper');
    for (const copy of [join(modules, 'subreaper'), nested])
      cpSync(join(folder, 'package'), copy, { recursive: true });
    for (const name of ['koffi', '@koromix']) copyInstalled(name, modules);
    const manifest = JSON.parse(readFileSync(join(nested, 'package.json'), 'utf8'));
    writeFileSync(join(nested, 'package.json'), JSON.stringify({ ...manifest, version: '0.0.9' }));
    writeFileSync(
      join(modules, 'dependency/index.js'),
      `module.exports = { ...require('subreaper'), ...require('subreaper/testing') };`,
    );
    const code = `
      import 'subreaper/register';
      import { register } from 'subreaper';
      import { orphanChain } from 'subreaper/testing';
      import dependency from 'dependency';
      import { setTimeout } from 'node:timers/promises';
      const seen = [new Set(), new Set()];
      const seenBy = async (index, pid) => { while (!seen[index].has(pid)) await setTimeout(5); };
      const registrations = [register, dependency.register].map((register, index) =>
        register({ onReap: ({ pid }) => seen[index].add(pid) }));
      ${logReapers};
      const [first] = await orphanChain({ lifeMs: 0 });
      await seenBy(0, first.pid);
      await seenBy(1, first.pid);
      registrations[0].unregister();
      const [second] = await dependency.orphanChain({ lifeMs: 0 });
      await seenBy(1, second.pid);
      console.log(seen[0].has(second.pid), ...registrations.map(({ reaped }) => reaped));
      registrations[1].unregister();
      const child = dependency.spawnBound('sh', ['-c', 'cat /proc/$PPID/cmdline; echo'], { stdio: 'inherit' });
      child.on('exit', (code) => console.log('exit', code));`;
    const output = execFileSync('node', ['--input-type=module', '-e', code], {
      cwd: join(folder, 'two'),
      encoding: 'utf8',
    });
    const [reapers, counts, supervisor, exit] = output.split('\n');
    expect({ reapers, counts, exit }).toEqual({ reapers: '1', counts: 'false 1 2', exit: 'exit 0' });
    expect(supervisor).toContain(`${nested}/bin/subreaper\0`);
    for (const [copy, version] of [
      [join(modules, 'subreaper'), manifest.version],
      [nested, '0.0.9'],
    ])
      expect(execFileSync(join(copy, 'bin/subreaper'), ['--version'], { encoding: 'utf8' })).toBe(
        `subreaper ${version}\n`,
      );
  });

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
});

// Not with --omit=dev: npm then leaves out signal-exit too, whose older version the tests use.
test('the bill of materials tells what the package depends on from what its development does', () => {
  const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
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

test('a build in another folder is the same, byte for byte', () => {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const sources = ['src', 'build.mjs', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const name of sources) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, ['build.mjs'], { cwd: folder });
  const files = (of: string) =>
    readdirSync(join(of, 'dist'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.includes('.') && !file.endsWith('.cache'))
      .sort();
  expect(files(folder)).toEqual(files(root));
  const isSame = (file: string) =>
    readFileSync(join(root, 'dist', file)).equals(readFileSync(join(folder, 'dist', file)));
  expect(files(root).filter((file) => !isSame(file))).toEqual([]);
});
