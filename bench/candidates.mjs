// The inits that are compared, each with the command line that an image would have.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { showProgress } from '../test/helpers/progress.mjs';
import { app, build, freshPath, helpers, installPackage, root } from './files.mjs';

const pm2 = resolve(build, 'pm2/node_modules');
/** subreaper with options. */
export const subreaper = (...options) => [resolve(root, 'bin/subreaper'), ...options, '--'];
// As on a kernel before 6.15. A debug log would do the same, and add the cost of its records.
const waitLoop = [helpers.refuse, 'PIDFD_GET_INFO', 'ENOTTY', ...subreaper()];
const inDebian = (name) => ({ name, debian: name, forwards: true, reaps: true, init: [name, '--'] });

/**
 * init: the words before the command; line: what makes all words from the command. forwards: it passes SIGUSR2 on, and
 * ends with its workload. reaps: it is said to reap orphans. only: the measurements that it takes part in. debian: its
 * package. folder: of a build of subreaper.
 */
const all = [
  checkout('subreaper', root),
  { name: 'subreaper, wait loop', reaps: true, init: waitLoop, only: ['burst', 'storm'] },
  { name: 'node bin/subreaper', forwards: true, init: ['node', ...subreaper()], only: ['start'] },
  ...['tini', 'dumb-init', 'catatonit'].map(inDebian),
  { name: 's6-svscan', debian: 's6', reaps: true, line: (command) => ['s6-svscan', makeService(command)] },
  { name: 'pm2-runtime', version: installPm2, line: pm2Line },
  { name: 'bare node', forwards: true, init: ['node', app('bare.cjs')], version: () => process.version },
];

/**
 * @param against  the folder of another build of subreaper, which the others are compared with
 * @returns the candidates that are installed; the record has why others are not
 */
export function findCandidates(record, against) {
  const rivals = against ? [{ ...checkout(`subreaper in ${against}`, resolve(against)), isBase: true }] : [];
  return [...all, ...rivals].flatMap((candidate) => {
    const { name, debian, version = () => debian && debianVersion(debian) } = candidate;
    showProgress(`looking for ${name}`);
    try {
      return [{ ...candidate, version: version() }];
    } catch (error) {
      record.leaveOut(name, error.message);
      return [];
    }
  });
}

function checkout(name, folder) {
  const init = [resolve(folder, 'bin/subreaper'), '--'];
  return { name, folder, forwards: true, reaps: true, init, version: () => versionIn(folder) };
}

function versionIn(folder) {
  return JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')).version;
}

function debianVersion(name) {
  const line = execFileSync('dpkg-query', ['-W', name], { encoding: 'utf8', stdio: 'pipe' });
  return line.trim().split('\t')[1];
}

function installPm2() {
  if (!existsSync(pm2)) installPackage(resolve(pm2, '..'), 'pm2@7');
  return versionIn(resolve(pm2, 'pm2'));
}

function pm2Line([file, ...args]) {
  const options = ['--interpreter', 'none', '--no-autorestart'];
  return [resolve(pm2, '.bin/pm2-runtime'), 'start', file, ...options, '--', ...args];
}

/** A folder for s6-svscan with one service. s6 restarts it when it ends; no measurement waits for that. */
function makeService(command) {
  const folder = freshPath();
  mkdirSync(resolve(folder, 'workload'), { recursive: true });
  const script = `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`;
  writeFileSync(resolve(folder, 'workload/run'), script, { mode: 0o755 });
  return folder;
}
