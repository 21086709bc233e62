import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { actor, buildFolder, missingParts, refuse } from './environment.ts';

/** Compiles the programs in C, and says once which parts of the suite this machine cannot run. */
export function setup(): void {
  mkdirSync(buildFolder, { recursive: true });
  for (const program of [actor, refuse]) compile(program);
  for (const reason of missingParts()) console.warn(`SKIPPED on this machine: ${reason}`);
}

function compile(program: string): void {
  const source = resolve(import.meta.dirname, `${basename(program)}.c`);
  const cc = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-O1', '-pthread', '-o', program, source], {
    encoding: 'utf8',
  });
  if (cc.error === undefined && cc.status !== 0) throw new Error(`${source} does not compile:\n${cc.stderr}`);
}
