import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownFile } from '../native/require.ts';

/** Finds bin/subreaper of this package, wherever in the package this code runs from. @throws Error if it is not there */
export function findLauncher(): string {
  for (let folder = dirname(ownFile()); ; folder = dirname(folder)) {
    const launcher = join(folder, 'bin/subreaper');
    if (existsSync(launcher)) return launcher;
    if (folder === dirname(folder)) {
      throw new Error('spawnBound: bin/subreaper is missing; install subreaper again, and do not bundle it');
    }
  }
}
