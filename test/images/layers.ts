import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { unpackPackages } from '../helpers/debian-packages.mjs';
import { buildFolder } from '../helpers/environment.ts';
import { installNode } from '../helpers/npm-node.mjs';
import { layOutNix } from './nix.ts';

/** Another recipe needs another folder. */
const recipe = '1';
/** What is downloaded and built, and kept for the next run. */
const layersFolder = resolve(buildFolder, `images/layers-${recipe}`);
/** What a run writes. */
export const runFolder = resolve(buildFolder, 'images/run');

/** The version that most images have. */
const node = '24';
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** The folders that an image's root consists of, as an engine puts layers above each other. */
const layers = {
  /** As distroless has them. */
  libraries: (folder: string) =>
    unpack(folder, 'bookworm', [
      'base-files',
      'ca-certificates',
      'libc6',
      'libgcc-s1',
      'libstdc++6',
      'tzdata',
    ]),
  programs: (folder: string) => {
    const programs = ['bash', 'coreutils', 'dash', 'debianutils', 'findutils', 'grep', 'mksh', 'sed'];
    const libraries = ['libacl1', 'libattr1', 'libgmp10', 'libpcre2-8-0', 'libselinux1', 'libtinfo6'];
    return unpack(folder, 'bookworm', [...programs, ...libraries]);
  },
  'node in /usr/local': async (folder: string) => placeNode(folder, 'usr/local/bin'),
  'node in /nodejs': async (folder: string) => placeNode(folder, 'nodejs/bin'),
  'node of Debian 14': (folder: string) => unpackDebiansNode(folder, 'forky'),
  'node of Debian 13': (folder: string) => unpackDebiansNode(folder, 'trixie'),
  'node of Debian 12': (folder: string) => unpackDebiansNode(folder, 'bookworm'),
  nonroot: async (folder: string) =>
    placeUsers(folder, 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin'),
  users: async (folder: string) =>
    placeUsers(folder, 'root:x:0:0:root:/root:/bin/bash', 'node:x:1000:1000::/home/node:/bin/bash'),
  /** As an engine removes what a lower layer has. */
  'no /tmp': async (folder: string) => {
    mkdirSync(folder);
    execFileSync('mknod', [join(folder, 'tmp'), 'c', '0', '0']);
  },
  'bash as sh': async (folder: string) => placeLink(folder, 'usr/bin/sh', 'bash'),
  'mksh as sh': async (folder: string) => placeLink(folder, 'usr/bin/sh', 'mksh'),
  nix: async (folder: string) => {
    const tools = await provide('patchelf', (unpacked) => unpack(unpacked, 'bookworm', ['patchelf']));
    // One root of both.
    const debian = `${folder}-debian`;
    for (const layer of ['libraries', 'programs'] as const)
      cpSync(await provideLayer(layer), debian, { recursive: true, verbatimSymlinks: true });
    const patchelf = join(tools, 'usr/bin/patchelf');
    layOutNix(folder, { debian, node: join(installNode(node), 'node'), patchelf });
  },
};

export type LayerName = keyof typeof layers;

/** Makes a layer, unless it is there from a run before. @throws Error if the mirror or the registry does not have its parts */
export function provideLayer(name: LayerName): Promise<string> {
  return provide(name.replaceAll(/\W+/g, '-'), layers[name]);
}

/** Makes a folder below build, which appears whole. */
async function provide(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(layersFolder, name);
  if (existsSync(folder)) return folder;
  mkdirSync(layersFolder, { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    await make(join(unfinished, 'made'));
    renameSync(join(unfinished, 'made'), folder);
  } finally {
    rmSync(unfinished, { recursive: true });
  }
  return folder;
}

async function unpack(
  folder: string,
  release: string,
  packages: Parameters<typeof unpackPackages>[2],
): Promise<void> {
  await unpackPackages(folder, { release, architecture }, packages);
  mergeUsr(folder);
  for (const name of ['usr/share/doc', 'usr/share/man', 'usr/share/locale'])
    rmSync(join(folder, name), { recursive: true, force: true });
}

/** node with all that it needs, and a shell. */
function unpackDebiansNode(folder: string, release: string): Promise<void> {
  return unpack(folder, release, { of: ['nodejs', 'dash', 'coreutils'], matching: /^[a-z0-9]/ });
}

/** As every Debian is since its release 12: bin, lib and so on are links to folders in usr. */
function mergeUsr(root: string): void {
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    const folder = join(root, name);
    mkdirSync(join(root, 'usr', name), { recursive: true });
    if (existsSync(folder) && !lstatSync(folder).isSymbolicLink()) {
      cpSync(folder, join(root, 'usr', name), { recursive: true, verbatimSymlinks: true });
      rmSync(folder, { recursive: true });
    }
    if (!existsSync(folder)) symlinkSync(`usr/${name}`, folder);
  }
}

function placeNode(root: string, folder: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  linkSync(join(installNode(node), 'node'), join(root, folder, 'node'));
}

function placeUsers(root: string, ...lines: readonly string[]): void {
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), lines.map((line) => `${line}\n`).join(''));
}

function placeLink(root: string, file: string, target: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  symlinkSync(target, join(root, file));
}
