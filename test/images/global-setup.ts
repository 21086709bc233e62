import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { must } from '../engine/docker.ts';
import { command, lackOf } from '../helpers/needs.ts';
import { images } from './images.ts';
import { type LayerName, provideLayer, runFolder } from './layers.ts';

const root = resolve(import.meta.dirname, '../..');

interface Provided {
  /** The layer with the app and the installed package. */
  readonly app: string;
  readonly made: Readonly<Partial<Record<LayerName, string>>>;
  /** Why a layer could not be made. */
  readonly lacks: Readonly<Partial<Record<LayerName, string>>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    images: Provided;
  }
}

export async function setup(project: TestProject): Promise<() => void> {
  // An interrupted run has left something.
  rmSync(runFolder, { recursive: true, force: true });
  mkdirSync(runFolder, { recursive: true });
  const app = join(runFolder, 'app');
  const made: Partial<Record<LayerName, string>> = {};
  const lacks: Partial<Record<LayerName, string>> = {};
  const lack = lackOf('linux') ?? lackOf('root') ?? lackOf('mounts') ?? command('apt-get', 'apt');
  if (lack === undefined) await installApp(join(app, 'app'));
  for (const name of new Set(Object.values(images).flatMap(({ layers }) => layers))) {
    if (lack === undefined)
      try {
        made[name] = await provideLayer(name);
      } catch (error) {
        const { message, stderr } = error as Error & { stderr?: string };
        lacks[name] = `the layer '${name}': ${(stderr || message).trim().split('\n')[0]}`;
      }
    else lacks[name] = lack;
  }
  project.provide('images', { app, made, lacks });
  return () => rmSync(runFolder, { recursive: true, maxRetries: 10 });
}

/** The package as users install it, and the programs that the tests run. */
async function installApp(app: string): Promise<void> {
  cpSync(join(import.meta.dirname, 'app'), app, { recursive: true });
  const [packed] = JSON.parse(
    await must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', app], root),
  ) as [{ filename: string }];
  writeFileSync(join(app, 'package.json'), '{}');
  const flags = ['--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund'];
  await must('npm', ['install', ...flags, '--prefer-offline', join(app, packed.filename)], app);
  rmSync(join(app, packed.filename));
}
