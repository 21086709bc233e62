// What each takes on disk: npm packages as npm installs them for production, others as Debian packages them.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, freshPath, installPackage, npm } from '../files.mjs';

export async function size({ compare, candidates }) {
  const installed = candidates.filter(({ name }) => name !== 'bare node');
  await compare('size: ', installed, { rounds: 1 }, (candidate) => {
    // An image may leave documentation out.
    const found = pathsOf(candidate).map((path) => lstatSync(path, { throwIfNoEntry: false }));
    const sizes = found.filter((stat) => stat?.isFile()).map(({ size }) => size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return { 'installed (MiB)': bytes / 2 ** 20, files: sizes.length };
  });
}

function pathsOf({ debian, folder }) {
  if (debian) return execFileSync('dpkg-query', ['-L', debian], { encoding: 'utf8' }).trim().split('\n');
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', build];
  const packed = folder && resolve(build, npm(...pack, folder).trim());
  const modules = folder ? installPackage(freshPath(), packed) : resolve(build, 'pm2/node_modules');
  return readdirSync(modules, { recursive: true }).map((path) => resolve(modules, path));
}
