import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { must } from '../engine/docker.ts';
import { compile } from '../helpers/compile.mjs';
import { kernelsFolder } from './parts.ts';

const root = resolve(import.meta.dirname, '../..');
const guest = join(import.meta.dirname, 'guest');

/** What the guest's /init, the launcher and the scenes run. */
const programs = [
  'sh',
  'cat',
  'date',
  'grep',
  'mount',
  'seq',
  'setsid',
  'sleep',
  'strace',
  'true',
  'unshare',
];

/**
 * Builds the root file system that every kernel boots into: the package as a user installs it, this machine's node, a
 * few programs with their libraries, and the scenes.
 * @returns the archive for the kernel
 */
export async function buildInitramfs(): Promise<string> {
  mkdirSync(kernelsFolder, { recursive: true });
  const tree = mkdtempSync(join(kernelsFolder, 'tree-'));
  try {
    for (const folder of ['bin', 'build', 'dev', 'proc', 'run', 'scenes/guest', 'sys', 'tmp'])
      mkdirSync(join(tree, folder), { recursive: true });
    await installPackage(tree);
    copyProgram(tree, 'node', process.execPath);
    for (const program of programs) copyProgram(tree, program, findProgram(program));
    // Where the test helpers look for them, below the root: see test/helpers/environment.ts.
    symlinkSync('../node_modules/subreaper/bin/subreaper', join(tree, 'bin/subreaper'));
    compile(join(root, 'test/helpers/actor.c'), join(tree, 'build/actor'), ['-static']);
    await bundleScenes(join(tree, 'scenes/guest/main.mjs'));
    copyFileSync(join(guest, 'init.sh'), join(tree, 'init'));
    chmodSync(join(tree, 'init'), 0o755);
    return await pack(tree);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

async function installPackage(tree: string): Promise<void> {
  const [packed] = JSON.parse(
    await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', tree], root),
  ) as [{ filename: string }];
  writeFileSync(join(tree, 'package.json'), '{}');
  const flags = ['--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund'];
  await must('npm', ['install', ...flags, '--prefer-offline', join(tree, packed.filename)], tree);
  rmSync(join(tree, packed.filename));
  const addon = join(tree, `node_modules/@koromix/koffi-linux-${process.arch}`);
  for (const library of librariesOf(join(addon, `linux_${process.arch}/koffi.node`))) copy(tree, library);
}

/** Not by the shell, which has some of them built in. */
function findProgram(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const file = folders.map((folder) => join(folder, name)).find(existsSync);
  if (file === undefined) throw new Error(`no ${name} in PATH`);
  return file;
}

function copyProgram(tree: string, name: string, file: string): void {
  copyFileSync(realpathSync(file), join(tree, 'bin', name));
  for (const library of librariesOf(file)) copy(tree, library);
}

/** The paths in the output of ldd(1); none for a program that is linked statically. */
function librariesOf(file: string): string[] {
  const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm)].map(([, path]) => path as string);
}

function copy(tree: string, file: string): void {
  const copied = join(tree, file);
  if (existsSync(copied)) return;
  mkdirSync(dirname(copied), { recursive: true });
  copyFileSync(realpathSync(file), copied);
}

/** The scenes use the helpers of the integration tests, which register what they leave to be cleaned up with vitest. */
async function bundleScenes(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(guest, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    alias: { vitest: join(guest, 'clean-up.ts') },
    external: ['koffi'],
    logLevel: 'warning',
  });
}

/** Not compressed: an emulated processor takes longer to unpack it than QEMU to load it. */
async function pack(tree: string): Promise<string> {
  const archive = join(kernelsFolder, 'initramfs.cpio');
  const script = 'find . | cpio --quiet --create --format=newc --owner=0:0 >"$0"';
  await must('sh', ['-c', script, archive], tree);
  return archive;
}
