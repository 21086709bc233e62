// What each takes on disk: the npm packages as npm installs them for production, the others as Debian packages them.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, installPackage, npm } from '../files.mjs';

export async function measure({ record, candidates }) {
  const installed = candidates.filter(({ name }) => name !== 'bare node');
  const { mib, files } = await record.inRounds('size', 1, installed, (candidate) => {
    const sizes = filesOf(candidate).map((path) => lstatSync(path).size);
    return { mib: sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20, files: sizes.length };
  });
  record.add('size: installed', 'MiB', mib);
  record.add('size: files', '', files);
}

function filesOf({ name, package: debian }) {
  if (name === 'subreaper') return filesIn(installSubreaper());
  if (name === 'pm2-runtime') return filesIn(resolve(build, 'pm2/node_modules'));
  const listed = execFileSync('dpkg-query', ['-L', debian], { encoding: 'utf8', stdio: 'pipe' });
  // An image may leave documentation out.
  return listed.split('\n').filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile());
}

function installSubreaper() {
  const packed = npm('pack', '--ignore-scripts', '--json', '--pack-destination', build);
  const [{ filename }] = JSON.parse(packed);
  return installPackage(resolve(build, 'installed'), resolve(build, filename));
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => resolve(entry.parentPath ?? entry.path, entry.name));
}
