// The inits that are compared, each with the command line that an image would have.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { showProgress } from '../test/helpers/progress.mjs';
import { app, build, freshPath, helpers, installPackage, root } from './files.mjs';

const launcher = resolve(root, 'bin/subreaper');
const pm2 = resolve(build, 'pm2/node_modules');
// As on a kernel before 6.15. A debug log would do the same, and add the cost of its records.
const refusing = [helpers.refuse, 'PIDFD_GET_INFO', 'ENOTTY'];

/** subreaper with options. */
export const subreaper = (...options) => [launcher, ...options, '--'];

/**
 * init: the words before the command. forwards: it passes SIGUSR2 on, and ends with its workload. reaps: it is said to
 * reap orphans. only: the measurements that it takes part in. version: finds its version.
 */
const all = [
  { name: 'subreaper', forwards: true, reaps: true, init: subreaper(), version: () => versionIn(root) },
  {
    name: 'subreaper, wait loop',
    reaps: true,
    init: [...refusing, ...subreaper()],
    only: ['burst', 'storm'],
  },
  { name: 'node bin/subreaper', forwards: true, init: ['node', ...subreaper()], only: ['start'] },
  ...['tini', 'dumb-init', 'catatonit'].map((name) => ({
    ...{ name, debian: name, forwards: true, reaps: true },
    init: [name, '--'],
  })),
  { name: 's6-svscan', debian: 's6', reaps: true, line: (command) => ['s6-svscan', makeService(command)] },
  { name: 'pm2-runtime', version: installPm2, line: pm2Line },
  { name: 'bare node', forwards: true, init: ['node', app('bare.cjs')], version: () => process.version },
];

/** @returns the candidates that are installed, with `line`, which makes a command line; the record has why others are not */
export function findCandidates(record) {
  return all.flatMap((candidate) => {
    const { name, init, debian, version = () => debian && debianVersion(debian) } = candidate;
    showProgress(`looking for ${name}`);
    try {
      return [{ line: (command) => [...init, ...command], ...candidate, version: version() }];
    } catch (error) {
      record.leaveOut(name, error.message);
      return [];
    }
  });
}

function debianVersion(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills it in.
  return execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8', stdio: 'pipe' });
}

function versionIn(folder) {
  return JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')).version;
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
  const run = resolve(folder, 'workload/run');
  mkdirSync(resolve(folder, 'workload'), { recursive: true });
  writeFileSync(run, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`);
  chmodSync(run, 0o755);
  return folder;
}
