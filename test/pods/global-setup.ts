import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { engineFolder } from '../engine/engine.ts';
import { provideImages } from './images.ts';
import { type PodmanHost, startPodman } from './podman.ts';

/** The podman of the tests, or the reason why there is none. */
export type PodmanParts =
  | { readonly kind: 'ready'; readonly host: PodmanHost }
  | { readonly kind: 'missing'; readonly reason: string };

declare module 'vitest' {
  interface ProvidedContext {
    podman: PodmanParts;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = resolve(import.meta.dirname, '../..');
  if (!existsSync(resolve(root, 'dist/cli.cjs'))) throw new Error('dist is missing; run npm run build');
  mkdirSync(engineFolder, { recursive: true });

  const missing = (reason: string) => {
    console.warn(`SKIPPED on this machine: ${reason}`);
    project.provide('podman', { kind: 'missing', reason });
  };
  const podman = await startPodman();
  if (typeof podman === 'string') {
    missing(podman);
    return async () => {};
  }
  try {
    const reason = await provideImages(podman.host);
    if (reason === undefined) project.provide('podman', { kind: 'ready', host: podman.host });
    else missing(reason);
  } catch (error) {
    await podman.stop();
    throw error;
  }
  return () => podman.stop();
}
