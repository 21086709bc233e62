// What each takes on disk: npm packages as npm installs them for production, others as Debian packages them.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, installPackage, npm } from '../files.mjs';

export async function measure({ record, candidates }) {
  await record.compare(
    { mib: 'size: installed (MiB)', files: 'size: files' },
    { rounds: 1, candidates: candidates.filter(({ name }) => name !== 'bare node') },
    (candidate) => {
      const found = filesOf(candidate).map((path) => lstatSync(path, { throwIfNoEntry: false }));
      // An image may leave documentation out.
      const files = found.filter((stat) => stat?.isFile());
      return { mib: files.reduce((sum, { size }) => sum + size, 0) / 2 ** 20, files: files.length };
    },
  );
}

function filesOf({ name, debian }) {
  if (debian) return execFileSync('dpkg-query', ['-L', debian], { encoding: 'utf8' }).trim().split('\n');
  const folder = name === 'subreaper' ? installSubreaper() : resolve(build, 'pm2/node_modules');
  return readdirSync(folder, { recursive: true }).map((path) => resolve(folder, path));
}

function installSubreaper() {
  const packed = npm('pack', '--ignore-scripts', '--json', '--pack-destination', build);
  const [{ filename }] = JSON.parse(packed);
  return installPackage(resolve(build, 'installed'), resolve(build, filename));
}
