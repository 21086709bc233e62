import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { must, mustDocker } from './docker.ts';
import { engineFolder, testLabel } from './engine.ts';

const root = resolve(import.meta.dirname, '../..');
const installed = join(root, 'Dockerfile.test');
const bare = join(root, 'test/engine/Dockerfile.no-shell');

export interface Images {
  /** Dockerfile.test: the package as a user installs it, with subreaper as the ENTRYPOINT. */
  readonly debian: string;
  /** The same package with only node and its libraries. */
  readonly withoutShell: string;
}

/** Builds the images of the tests from the built tree. */
export async function buildImages(version: string): Promise<Images> {
  const registry = await must('npm', ['config', 'get', 'registry']);
  const context = await prepareContext();
  const build = async (name: string, dockerfile: string, ...options: readonly string[]): Promise<string> => {
    const image = `subreaper-${name}:node-${version}`;
    await mustDocker(
      ...['build', '--quiet', '--network=none', '--label', testLabel, '--tag', image, '--file', dockerfile],
      ...['--build-arg', `NODE_VERSION=${version}`, '--build-arg', `NPM_CONFIG_REGISTRY=${registry}`],
      ...[...options, context],
    );
    return image;
  };
  try {
    // The first stages have a name too. Without one, the prune below would remove them, and they are the build's cache.
    await build('install', installed, '--target=install');
    const debian = await build('test', installed);
    await build('parts', bare, '--target=parts');
    const withoutShell = await build('no-shell', bare);
    await mustDocker('image', 'prune', '--force', '--filter', `label=${testLabel}`);
    return { debian, withoutShell };
  } finally {
    rmSync(context, { recursive: true });
  }
}

/**
 * Makes the build context of Dockerfile.test: the packed tarball, and an npm cache with its dependencies, so that
 * `npm install` works in a container without a registry.
 */
export async function prepareContext(): Promise<string> {
  mkdirSync(engineFolder, { recursive: true });
  const prepared = mkdtempSync(join(engineFolder, 'context-'));
  const [packed] = JSON.parse(
    await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', prepared], root),
  ) as [{ filename: string }];
  const tarball = join(prepared, 'subreaper.tgz');
  renameSync(join(prepared, packed.filename), tarball);
  // The cache of the last run saves the download. npm verifies what it uses.
  const cache = join(engineFolder, 'npm-cache');
  const throwaway = mkdtempSync(join(tmpdir(), 'subreaper-install-'));
  try {
    writeFileSync(join(throwaway, 'package.json'), '{}');
    const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    await must('npm', ['install', ...flags, '--cache', cache, tarball], throwaway);
  } finally {
    rmSync(throwaway, { recursive: true });
  }
  cpSync(join(cache, '_cacache'), join(prepared, 'npm-cache/_cacache'), { recursive: true });
  return prepared;
}
