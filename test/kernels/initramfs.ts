import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { must } from '../engine/docker.ts';
import { compile } from '../helpers/compile.mjs';
import { unpackPackages } from '../helpers/debian-packages.mjs';
import { installNode } from '../helpers/npm-node.mjs';
import type { Machine } from './machines.ts';
import { kernelsFolder } from './parts.ts';

const root = resolve(import.meta.dirname, '../..');
const guest = join(import.meta.dirname, 'guest');

/** What the guest's /init, the launcher and the scenes run, and its libraries. */
const packages = [
  ...['coreutils', 'dash', 'grep', 'mount', 'strace', 'util-linux'],
  ...['libacl1', 'libatomic1', 'libattr1', 'libblkid1', 'libc6', 'libgcc-s1', 'libgmp10', 'liblzma5'],
  ...['libmount1', 'libpcre2-8-0', 'libselinux1', 'libsmartcols1', 'libstdc++6', 'libtinfo6', 'libunwind8'],
  'libuuid1',
];
const node = process.versions.node.split('.')[0] as string;

const debianFolder = ({ debian }: Machine) => join(kernelsFolder, `debian-${debian}`);

/** Downloads Debian's packages for `buildInitramfs`. @throws Error if the mirror does not have them */
export async function fetchPrograms(machine: Machine): Promise<void> {
  const folder = debianFolder(machine);
  if (existsSync(folder)) return;
  await unpackPackages(folder, { release: 'bookworm', architecture: machine.debian }, packages);
}

/**
 * Builds the root file system that every kernel of a machine boots into: Debian's packages, node as this machine has it,
 * the package as a user installs it, and the scenes.
 * @returns the archive for the kernel
 */
export async function buildInitramfs(machine: Machine): Promise<string> {
  const unfinished = mkdtempSync(join(kernelsFolder, 'tree-'));
  const tree = join(unfinished, 'root');
  try {
    await must('cp', ['-al', debianFolder(machine), tree]);
    rmSync(join(tree, 'usr/share'), { recursive: true });
    for (const folder of ['build', 'dev', 'proc', 'run', 'scenes/guest', 'sys', 'tmp'])
      mkdirSync(join(tree, folder), { recursive: true });
    await installPackage(tree, machine);
    copyFileSync(join(installNode(node, machine.npm), 'node'), join(tree, 'bin/node'));
    // Where the test helpers look for them, below the root: see test/helpers/environment.ts.
    symlinkSync('../node_modules/subreaper/bin/subreaper', join(tree, 'bin/subreaper'));
    compile(join(root, 'test/helpers/actor.c'), join(tree, 'build/actor'), ['-static'], machine.compiler);
    await bundleScenes(join(tree, 'scenes/guest/main.mjs'));
    copyFileSync(join(guest, 'init.sh'), join(tree, 'init'));
    chmodSync(join(tree, 'init'), 0o755);
    return await pack(tree, machine);
  } finally {
    rmSync(unfinished, { recursive: true });
  }
}

async function installPackage(tree: string, { npm }: Machine): Promise<void> {
  const [packed] = JSON.parse(
    await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', tree], root),
  ) as [{ filename: string }];
  writeFileSync(join(tree, 'package.json'), '{}');
  const flags = ['--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund', `--cpu=${npm}`];
  await must('npm', ['install', ...flags, '--prefer-offline', join(tree, packed.filename)], tree);
  rmSync(join(tree, packed.filename));
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
async function pack(tree: string, { debian }: Machine): Promise<string> {
  const archive = join(kernelsFolder, `initramfs-${debian}.cpio`);
  const script = 'find . | cpio --quiet --create --format=newc --owner=0:0 >"$0"';
  await must('sh', ['-c', script, archive], tree);
  return archive;
}
