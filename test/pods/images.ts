import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { provideBaseImage } from '../engine/base-image.ts';
import { mustDocker } from '../engine/docker.ts';
import { startEngine } from '../engine/engine.ts';
import { buildImages } from '../engine/images.ts';
import { mustPodman, type PodmanHost, pauseImage } from './podman.ts';

const apps = resolve(import.meta.dirname, 'apps');

/**
 * Gives podman the images that the manifests name, and a pause image. Docker builds the one below them, the image of the
 * engine tests, because there may be no registry to pull from.
 * @returns the reason if it cannot
 */
export async function provideImages(host: PodmanHost): Promise<string | undefined> {
  const version = process.env['ENGINE_NODE_VERSION'] ?? '24';
  const tar = join(host.folder, 'image.tar');
  const engine = await startEngine();
  if (typeof engine === 'string') return `no engine to build the images with: ${engine}`;
  let image: string;
  try {
    const reason = await provideBaseImage(version);
    if (reason !== undefined) return reason;
    image = (await buildImages(version)).debian;
    await mustDocker('save', `--output=${tar}`, image);
  } finally {
    await engine.stop();
  }
  await mustPodman(host, 'load', '--quiet', `--input=${tar}`);
  rmSync(tar);
  const build = (target: string, ...names: readonly string[]) =>
    mustPodman(
      host,
      ...[
        'build',
        '--quiet',
        '--network=none',
        `--target=${target}`,
        `--build-arg=INSTALLED=localhost/${image}`,
      ],
      ...[...names.map((name) => `--tag=${name}`), apps],
    );
  await build('apps', 'web:1.0.0', 'monitor:1.0.0', 'legacy:1.0.0', 'screenshots:1.0.0');
  await build('pause', pauseImage);
  return undefined;
}
