import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildInitramfs } from './initramfs.ts';
import { obstacle } from './parts.ts';

/** What the kernels boot into, or why none can be booted. */
export type Guest =
  | { readonly kind: 'ready'; readonly initramfs: string }
  | { readonly kind: 'missing'; readonly reason: string };

declare module 'vitest' {
  interface ProvidedContext {
    guest: Guest;
  }
}

export async function setup(project: TestProject): Promise<void> {
  if (!existsSync(resolve(import.meta.dirname, '../../dist/cli.cjs')))
    throw new Error('dist is missing; run npm run build');
  const reason = obstacle();
  if (reason === undefined) project.provide('guest', { kind: 'ready', initramfs: await buildInitramfs() });
  else project.provide('guest', skipped('kernels', reason));
}

/** Says on this machine's terminal why tests are skipped. */
function skipped(what: string, reason: string): Guest {
  console.warn(`SKIPPED on this machine: ${what}: ${reason}`);
  return { kind: 'missing', reason };
}
