// What each takes on disk: npm packages as npm installs them for production, others as Debian packages them.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, freshPath, installPackage, npm } from '../files.mjs';

export async function measure({ record, candidates }) {
  const installed = candidates.filter(({ name }) => name !== 'bare node');
  await record.compare('size: ', { rounds: 1, candidates: installed }, (candidate) => {
    const found = pathsOf(candidate).map((path) => lstatSync(path, { throwIfNoEntry: false }));
    // An image may leave documentation out.
    const files = found.filter((stat) => stat?.isFile());
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return { 'installed (MiB)': bytes / 2 ** 20, files: files.length };
  });
}

function pathsOf({ debian, folder }) {
  if (debian) return execFileSync('dpkg-query', ['-L', debian], { encoding: 'utf8' }).trim().split('\n');
  const modules = folder ? installBuild(folder) : resolve(build, 'pm2/node_modules');
  return readdirSync(modules, { recursive: true }).map((path) => resolve(modules, path));
}

function installBuild(folder) {
  const packed = npm('pack', '--ignore-scripts', '--json', '--pack-destination', build, folder);
  const [{ filename }] = JSON.parse(packed);
  return installPackage(freshPath(), resolve(build, filename));
}
