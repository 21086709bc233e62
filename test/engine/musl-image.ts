import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { command } from '../helpers/needs.ts';
import { provideRoot } from '../musl/root.mjs';
import { docker, must, mustDocker } from './docker.ts';
import { engineFolder, testLabel } from './engine.ts';
import { prepareContext } from './images.ts';

/** What the root folder is made with, beside apt and pip. */
const needed = { 'musl-gcc': 'musl-tools', make: 'make', bzip2: 'bzip2', pip: 'python3-pip' };

/** The versions of node in the image. The first is the one in its PATH. */
export const nodes = ['24', '22'] as const;

/** @returns what is missing for the image */
export function lackOfMusl(): string | undefined {
  if (process.arch !== 'x64') return 'x64: the root folder with musl is made for it';
  return Object.entries(needed)
    .map(([name, debianPackage]) => command(name, debianPackage))
    .find((lack) => lack !== undefined);
}

/** Builds an image from scratch in which all is linked to musl: busybox, node, and the packed package. @returns its name */
export async function buildMuslImage(): Promise<string> {
  const root = await importRoot(await provideRoot(resolve(engineFolder, '../musl')));
  const context = await prepareContext();
  try {
    const image = 'subreaper-musl:test';
    await mustDocker(
      ...['build', '--quiet', '--network=none', '--label', testLabel, '--tag', image],
      ...['--file', resolve(import.meta.dirname, 'Dockerfile.musl'), '--build-arg', `ROOT=${root}`],
      ...['--build-arg', `NPM_CONFIG_REGISTRY=${await must('npm', ['config', 'get', 'registry'])}`, context],
    );
    return image;
  } finally {
    rmSync(context, { recursive: true });
  }
}

/** @returns the name of the image, which stays for the next run: its name tells the recipe of the folder */
async function importRoot(folder: string): Promise<string> {
  const image = `subreaper-musl:${basename(folder)}`;
  if ((await docker('image', 'inspect', image)).code === 0) return image;
  const unpacked = mkdtempSync(join(engineFolder, 'musl-'));
  const tar = join(unpacked, 'root.tar');
  await must('tar', ['-c', '-f', tar, '-C', folder, '--exclude=./opt/node-20', '.']);
  await mustDocker('import', tar, image);
  rmSync(unpacked, { recursive: true });
  return image;
}
