import { basename, resolve } from 'node:path';
import { compile } from './compile.mjs';
import { actor, inject, missingParts, refuse } from './environment.ts';

/** Compiles the programs in C, and says once which parts of the suite this machine cannot run. */
export function setup(): void {
  for (const program of [actor, inject, refuse])
    compile(resolve(import.meta.dirname, `${basename(program)}.c`), program);
  for (const reason of missingParts()) console.warn(`SKIPPED on this machine: ${reason}`);
}
