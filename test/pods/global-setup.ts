import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { engineFolder } from '../engine/engine.ts';
import { provideImages } from './images.ts';
import { type PodmanHost, startPodman } from './podman.ts';

/** The podman of the tests, or what is missing for it. */
export type PodmanParts =
  | { readonly kind: 'ready'; readonly host: PodmanHost }
  | { readonly kind: 'missing'; readonly lack: string };

declare module 'vitest' {
  interface ProvidedContext {
    podman: PodmanParts;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = resolve(import.meta.dirname, '../..');
  if (!existsSync(resolve(root, 'dist/cli.cjs'))) throw new Error('dist is missing; run npm run build');
  mkdirSync(engineFolder, { recursive: true });

  const missing = (lack: string) => project.provide('podman', { kind: 'missing', lack });
  const podman = await startPodman();
  if (typeof podman === 'string') {
    missing(podman);
    return async () => {};
  }
  try {
    const lack = await provideImages(podman.host);
    if (lack === undefined) project.provide('podman', { kind: 'ready', host: podman.host });
    else missing(lack);
  } catch (error) {
    await podman.stop();
    throw error;
  }
  return () => podman.stop();
}
