import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildInitramfs, fetchPrograms } from './initramfs.ts';
import { type Machine, machines } from './machines.ts';
import { findLack } from './parts.ts';

/** What the kernels of a machine boot into, or what is missing for it. */
export type Guest =
  | { readonly kind: 'ready'; readonly initramfs: string }
  | { readonly kind: 'missing'; readonly lack: string };

declare module 'vitest' {
  interface ProvidedContext {
    guests: Record<Machine['npm'], Guest>;
  }
}

export async function setup(project: TestProject): Promise<void> {
  if (!existsSync(resolve(import.meta.dirname, '../../dist/cli.cjs')))
    throw new Error('dist is missing; run npm run build');
  const [x64, arm64] = [await buildGuest(machines.x64), await buildGuest(machines.arm64)];
  project.provide('guests', { x64, arm64 });
}

async function buildGuest(machine: Machine): Promise<Guest> {
  const lack = findLack(machine);
  if (lack !== undefined) return { kind: 'missing', lack };
  try {
    await fetchPrograms(machine);
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return { kind: 'missing', lack: `Debian packages for ${machine.debian}: ${reason}` };
  }
  return { kind: 'ready', initramfs: await buildInitramfs(machine) };
}
