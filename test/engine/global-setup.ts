import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { baseImage, provideBaseImage } from './base-image.ts';
import { type Engine, engineFolder, startEngine } from './engine.ts';
import { buildImages, type Images } from './images.ts';

/** The engine of the tests, or the reason why there is none. */
export type EngineParts =
  | {
      readonly kind: 'ready';
      readonly host: string | undefined;
      readonly base: string;
      readonly images: Images;
    }
  | { readonly kind: 'missing'; readonly reason: string };

declare module 'vitest' {
  interface ProvidedContext {
    engine: EngineParts;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = resolve(import.meta.dirname, '../..');
  if (!existsSync(resolve(root, 'dist/cli.cjs'))) throw new Error('dist is missing; run npm run build');
  mkdirSync(engineFolder, { recursive: true });

  const missing = (reason: string) => project.provide('engine', { kind: 'missing', reason });
  const engine = await startEngine();
  if (typeof engine === 'string') {
    missing(engine);
    return async () => {};
  }
  await prepare(project, engine, missing).catch(async (error) => {
    await engine.stop();
    throw error;
  });
  return () => engine.stop();
}

async function prepare(
  project: TestProject,
  engine: Engine,
  missing: (reason: string) => void,
): Promise<void> {
  const version = process.env['ENGINE_NODE_VERSION'] ?? '24';
  const reason = await provideBaseImage(version);
  if (reason !== undefined) return missing(reason);
  const images = await buildImages(version);
  project.provide('engine', { kind: 'ready', host: engine.host, base: baseImage(version), images });
}
