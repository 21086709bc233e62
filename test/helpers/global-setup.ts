import { basename, resolve } from 'node:path';
import { compile } from './compile.mjs';
import { actor, inject, refuse } from './environment.ts';

/** Compiles the C programs. */
export function setup(): void {
  for (const program of [actor, inject, refuse])
    compile(resolve(import.meta.dirname, `${basename(program)}.c`), program);
}
