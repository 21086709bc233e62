import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { satisfies } from 'semver';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly engines?: { readonly node?: string };
  readonly dev?: boolean;
}

const root = resolve(import.meta.dirname, '../..');
const { packages } = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>;
};

/** npm warns of each of these: EBADENGINE. */
function refusedBy(version: string, isMeant: (locked: LockedPackage) => boolean): string[] {
  return Object.entries(packages)
    .filter(([, locked]) => isMeant(locked) && !satisfies(version, locked.engines?.node ?? '*'))
    .map(([name, { engines }]) => `${name} wants ${engines?.node}`);
}

test.each(['20.16.0', '22.3.0', '23.0.0', '24.0.0', '25.0.0', '26.0.0'])(
  'the package and what it depends on run on Node.js %s',
  (version) => expect(refusedBy(version, ({ dev }) => dev !== true)).toEqual([]),
);

// vite and knip want these; so do their dependencies.
test.each(['20.19.0', '22.13.0', '24.0.0', '25.0.0', '26.0.0'])(
  'npm ci in a clone warns of no package on Node.js %s',
  (version) => expect(refusedBy(version, () => true)).toEqual([]),
);
