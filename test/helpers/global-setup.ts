import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { actor, actorSource, buildFolder, missingParts } from './environment.ts';

/** Compiles the actor, and says once which parts of the suite this machine cannot run. */
export function setup(): void {
  mkdirSync(buildFolder, { recursive: true });
  const cc = spawnSync('cc', ['-Wall', '-Wextra', '-Werror', '-O1', '-o', actor, actorSource], {
    encoding: 'utf8',
  });
  if (cc.error === undefined && cc.status !== 0) throw new Error(`the actor does not compile:\n${cc.stderr}`);
  for (const reason of missingParts()) console.warn(`SKIPPED on this machine: ${reason}`);
}
