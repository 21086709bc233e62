import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyPackage } from '../helpers/copied-package.ts';
import { unshareArguments } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { needs } from '../helpers/needs.ts';
import { type InitOptions, runInit, runToEnd, startProcess } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';

type Way = 'launcher' | 'node';

/** A copy of the package, so that no other test starts with what these write. */
function copy() {
  const dist = join(copyPackage().folder, 'subreaper/dist');
  const launcher = join(dist, '../bin/subreaper');
  const launch = (way: Way) => (way === 'node' ? ['node', launcher] : [launcher]);
  const cacheFile = (way: Way) => join(dist, `cli-${process.version}-${process.arch}-${way}.cache`);
  return { dist, launch, cacheFile };
}

async function prepare({ mode, launch = [], spawn }: Partial<InitOptions>) {
  const namespace = mode === 'pid1' ? ['unshare', ...(unshareArguments ?? []), '--'] : [];
  return runToEnd(startProcess([...namespace, ...launch, 'prepare'], spawn));
}

async function isPrepared(init: Partial<InitOptions>): Promise<boolean> {
  const { stdout } = await runInit({ options: ['doctor'], command: [], ...init });
  const [, mark] = /^(.) start +(?:not )?prepared: /m.exec(stdout) ?? [];
  expect(mark, stdout).toBeDefined();
  return mark === '✓';
}

/** What an init does with a workload that ends by itself. */
async function run(init: Partial<InitOptions>) {
  return runInit({ command: ['sh', '-c', 'echo out; exit 7'], ...init });
}
const rightRun = { code: 7, signal: null, stdout: 'out\n', stderr: '' };

describeModes([], 'subreaper prepare', (mode) => {
  test.each<Way>(['launcher', 'node'])(
    '%s: says in one line what it has written, for this way to start',
    async (way) => {
      const { dist, launch, cacheFile } = copy();
      const other = way === 'node' ? 'launcher' : 'node';
      expect(await isPrepared({ mode, launch: launch(way) })).toBe(false);

      const { code, stdout, stderr } = await prepare({ mode, launch: launch(way) });

      const kib = Math.ceil(statSync(cacheFile(way)).size / 1024);
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: `subreaper: prepared, ${cacheFile(way)} (${kib} KiB)\n`,
        stderr: '',
      });
      expect(readdirSync(dist).filter((name) => /cache|unfinished/.test(name))).toHaveLength(1);
      expect(await isPrepared({ mode, launch: launch(way) })).toBe(true);
      expect(await isPrepared({ mode, launch: launch(other) })).toBe(false);
      expect(await run({ mode, launch: launch(way) })).toEqual(rightRun);
    },
  );

  test('again: it replaces what is there', async () => {
    const { launch, cacheFile } = copy();
    writeFileSync(cacheFile('launcher'), 'of an older version');
    expect(await run({ mode, launch: launch('launcher') })).toEqual(rightRun);
    for (const _ of ['once', 'twice'])
      expect(await prepare({ mode, launch: launch('launcher') })).toMatchObject({ code: 0, stderr: '' });
    expect(await isPrepared({ mode, launch: launch('launcher') })).toBe(true);
  });

  test('the options of an app, which an image may not have yet, do not matter', async () => {
    const { launch } = copy();
    const spawn = { env: { ...process.env, NODE_OPTIONS: '--require ./not-there.cjs' } };
    expect(await prepare({ mode, launch: launch('launcher'), spawn })).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([
    ['a directory', (file: string) => void mkdirSync(file)],
    ['a symbolic link', (file: string) => symlinkSync(join(file, '../cli.cjs'), file)],
  ])('where %s has the name: 125 and one line, and a start without', async (_, put) => {
    const { dist, launch, cacheFile } = copy();
    const program = readFileSync(join(dist, 'cli.cjs'));
    put(cacheFile('launcher'));
    expect(await prepare({ mode, launch: launch('launcher') })).toMatchObject({
      code: 125,
      stdout: '',
      stderr: expect.stringMatching(/^subreaper: cannot prepare, EEXIST[^\n]*; [^\n]+\n$/),
    });
    expect(readFileSync(join(dist, 'cli.cjs'))).toEqual(program);
    expect(await run({ mode, launch: launch('launcher') })).toEqual(rightRun);
  });

  const isRoot = process.getuid?.() === 0;
  test(
    'without the right to write: 125 and one line',
    // In a user namespace, which is another user's way to be PID 1, that user may write everywhere.
    needs(isRoot ? 'util-linux' : mode === 'pid1' ? 'root' : 'linux'),
    async () => {
      const { dist, launch } = copy();
      chmodSync(dist, 0o555);
      // Who is not root could not remove what is in it.
      onTestFinished(() => chmodSync(dist, 0o755));
      // root may write everywhere.
      const user = isRoot ? ['setpriv', '--reuid', '64321', '--regid', '64321', '--clear-groups'] : [];
      expect(await prepare({ mode, launch: [...user, ...launch('launcher')] })).toMatchObject({
        code: 125,
        stdout: '',
        stderr: expect.stringMatching(
          /^subreaper: cannot prepare, EACCES[^\n]*; let it write [^\n]*\.cache\n$/,
        ),
      });
      expect(await run({ mode, launch: launch('launcher') })).toEqual(rightRun);
    },
  );

  test('code for other options is not taken', async () => {
    const { launch, cacheFile } = copy();
    await prepare({ mode, launch: launch('node') });
    writeFileSync(cacheFile('launcher'), readFileSync(cacheFile('node')));
    expect(await isPrepared({ mode, launch: launch('launcher') })).toBe(false);
    expect(await run({ mode, launch: launch('launcher') })).toEqual(rightRun);
  });

  test('another program of the same length runs as itself', async () => {
    const { dist, launch } = copy();
    await prepare({ mode, launch: launch('launcher') });
    const file = join(dist, 'cli.cjs');
    const program = readFileSync(file, 'utf8');
    const other = program.replace('Usage: subreaper', 'USAGE: subreaper');
    expect(other).not.toBe(program);
    writeFileSync(file, other);
    const { stdout } = await runToEnd(startProcess([...launch('launcher'), '--help']));
    expect(stdout).toMatch(/^USAGE: subreaper/);
    expect(await isPrepared({ mode, launch: launch('launcher') })).toBe(false);
  });

  test('a damaged file is as if it were not there', async () => {
    const { launch, cacheFile } = copy();
    await prepare({ mode, launch: launch('launcher') });
    const file = cacheFile('launcher');
    const whole = readFileSync(file);
    for (let count = 0; count < (isWhole ? 500 : 20); count++) {
      const [damage, bytes] = damageAtRandom(whole);
      writeFileSync(file, bytes);
      expect(await run({ mode, launch: launch('launcher') }), damage).toEqual(rightRun);
      if (count < 3) expect(await isPrepared({ mode, launch: launch('launcher') }), damage).toBe(false);
    }
    rmSync(file);
    expect(await run({ mode, launch: launch('launcher') })).toEqual(rightRun);
  });
});

/** Some bytes are others, or missing, or the file ends too early or too late. */
function damageAtRandom(whole: Buffer): [string, Buffer] {
  const at = Math.floor(Math.random() * whole.length);
  const bytes = Buffer.from(whole);
  switch (Math.floor(Math.random() * 5)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(Math.random() * 8));
      return [`one bit of byte ${at} is another`, bytes];
    case 1:
      for (const offset of [at, (at * 7) % whole.length, (at * 31) % whole.length])
        bytes[offset] = ((bytes[offset] as number) + 1) & 0xff;
      return [`three bytes are others, from byte ${at}`, bytes];
    case 2:
      return [`it ends at byte ${at}`, bytes.subarray(0, at)];
    case 3:
      return [`byte ${at} is missing`, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])];
    default:
      return [`there are ${at} bytes more`, Buffer.concat([bytes, bytes.subarray(0, at)])];
  }
}
