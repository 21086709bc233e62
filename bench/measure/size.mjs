// What each takes on disk: the npm packages as npm installs them for production, the others as Debian packages them.
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { figuresOf } from '../figures.mjs';
import { build, root } from '../paths.mjs';

const INSTALL_MS = 30_000;
const debian = { tini: 'tini', 'dumb-init': 'dumb-init', catatonit: 'catatonit', 's6-svscan': 's6' };

export async function measure({ candidates, progress }) {
  const sizes = [];
  const counts = [];
  const failures = [];
  for (const { name } of candidates) {
    progress.show(`size: ${name}`);
    try {
      const paths = filesOf(name);
      if (paths === undefined) continue;
      const bytes = paths.reduce((sum, path) => sum + lstatSync(path).size, 0);
      sizes.push(...figuresOf('size: installed', 'MiB', { [name]: [bytes / 2 ** 20] }));
      counts.push(...figuresOf('size: files', '', { [name]: [paths.length] }));
    } catch (error) {
      failures.push({ candidate: name, reason: `size: ${error.message.split('\n')[0]}` });
    }
  }
  return { figures: [...sizes, ...counts], failures };
}

function filesOf(name) {
  if (name === 'subreaper') return filesIn(resolve(installSubreaper(), 'node_modules'));
  if (name === 'pm2-runtime') return filesIn(resolve(build, 'pm2/node_modules'));
  if (debian[name] === undefined) return undefined;
  const { status, stdout } = spawnSync('dpkg-query', ['-L', debian[name]], { encoding: 'utf8' });
  if (status !== 0) throw new Error('it is not installed as a Debian package');
  return stdout.split('\n').filter((path) => path !== '' && isFile(path));
}

function installSubreaper() {
  const folder = resolve(build, 'installed');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(folder, 'package.json'), '{ "private": true }\n');
  const npm = (args, cwd) =>
    execFileSync('npm', args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_MS,
    });
  const [{ filename }] = JSON.parse(
    npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root),
  );
  npm(
    ['install', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', resolve(folder, filename)],
    folder,
  );
  return folder;
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => resolve(entry.parentPath ?? entry.path, entry.name));
}

function isFile(path) {
  try {
    return lstatSync(path).isFile();
  } catch {
    // An image may leave documentation out.
    return false;
  }
}
