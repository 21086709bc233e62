// The inits that are compared, each with the command line that an image would have.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { showProgress } from '../test/helpers/progress.mjs';
import { app, build, freshPath, helpers, installPackage, root } from './files.mjs';

const pm2 = resolve(build, 'pm2/node_modules');
const prepared = resolve(build, 'prepared/subreaper');
/** subreaper with options. */
export const subreaper = (...options) => [resolve(root, 'bin/subreaper'), ...options, '--'];
// As on a kernel before 6.15. A debug log would do the same, and add the cost of its records.
const waitLoop = [helpers.refuse, 'PIDFD_GET_INFO', 'ENOTTY', ...subreaper()];
const versionIn = (folder) => JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')).version;
const inDebian = (name) => ({ ...debian(name), name, forwards: true, init: [name, '--'] });

/**
 * init: the words before the command; line: what makes all words from the command. forwards: it passes SIGUSR2 on, and
 * ends with its workload. reaps: it is said to reap orphans. only: the measurements that it takes part in. debian: its
 * package. folder: of a build of subreaper. rounds, limitMs: pm2-runtime takes ten seconds to end, s6-svscan stays when
 * its service ends.
 */
const all = [
  checkout('subreaper', root),
  { ...checkout('subreaper, prepared', prepared), only: ['start', 'memory'], version: prepareCopy },
  { name: 'subreaper, wait loop', reaps: true, init: waitLoop, only: ['burst', 'storm'] },
  { name: 'node bin/subreaper', forwards: true, init: ['node', ...subreaper()], only: ['start'] },
  ...['tini', 'dumb-init', 'catatonit'].map(inDebian),
  { ...debian('s6'), name: 's6-svscan', line: serviceLine, limitMs: 1000 },
  { name: 'pm2-runtime', version: installPm2, line: pm2Line, rounds: 3, limitMs: 20_000 },
  { name: 'bare node', forwards: true, init: ['node', app('bare.cjs')], version: () => process.version },
];

/** Those that are installed. against: the folder of another build of subreaper, which the others are compared with. */
export function findCandidates(record, against) {
  const rivals = against ? [{ ...checkout(`subreaper in ${against}`, resolve(against)), isBase: true }] : [];
  return [...all, ...rivals].flatMap((candidate) => {
    showProgress(`looking for ${candidate.name}`);
    try {
      return [{ ...candidate, version: candidate.version?.() }];
    } catch (error) {
      record.leaveOut(candidate.name, error.message);
      return [];
    }
  });
}

function checkout(name, folder) {
  const init = [resolve(folder, 'bin/subreaper'), '--'];
  return { name, folder, forwards: true, reaps: true, init, version: () => versionIn(folder) };
}

/** A copy, since the tree itself starts as it was installed. */
function prepareCopy() {
  const dist = resolve(root, 'dist');
  for (const name of readdirSync(dist)) if (name.endsWith('.cache')) rmSync(resolve(dist, name));
  rmSync(resolve(prepared, '..'), { recursive: true, force: true });
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(resolve(root, part), resolve(prepared, part), { recursive: true });
  symlinkSync(resolve(root, 'node_modules'), resolve(prepared, '../node_modules'));
  execFileSync(resolve(prepared, 'bin/subreaper'), ['prepare'], { stdio: 'pipe' });
  return versionIn(prepared);
}

function debian(name) {
  const query = () => execFileSync('dpkg-query', ['-W', name], { encoding: 'utf8', stdio: 'pipe' });
  return { debian: name, reaps: true, version: () => query().trim().split('\t')[1] };
}

function installPm2() {
  if (!existsSync(pm2)) installPackage(resolve(pm2, '..'), 'pm2@7');
  return versionIn(resolve(pm2, 'pm2'));
}

function pm2Line([file, ...args]) {
  const options = ['--interpreter', 'none', '--no-autorestart'];
  return [resolve(pm2, '.bin/pm2-runtime'), 'start', file, ...options, '--', ...args];
}

/** With a folder of one service. s6 restarts it when it ends; no measurement waits for that. */
function serviceLine(command) {
  const folder = freshPath();
  mkdirSync(resolve(folder, 'workload'), { recursive: true });
  const script = `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`;
  writeFileSync(resolve(folder, 'workload/run'), script, { mode: 0o755 });
  return ['s6-svscan', folder];
}
