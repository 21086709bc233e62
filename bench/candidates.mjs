// The inits that are compared. Each makes the line that runs a command below it: the line is what an image would have.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { app, build, freshPath, installPackage, root } from './files.mjs';
import { showProgress } from './record.mjs';

const subreaper = resolve(root, 'bin/subreaper');
const pm2 = resolve(build, 'pm2/node_modules');

/** forwards: SIGUSR2 reaches the workload; reaps: it is said to reap orphans; package: of Debian. */
const all = [
  {
    name: 'subreaper',
    forwards: true,
    reaps: true,
    findVersion: () => versionIn(resolve(root, 'package.json')),
    line: (command, options = []) => [subreaper, ...options, '--', ...command],
  },
  ...['tini', 'dumb-init', 'catatonit'].map((name) => ({
    name,
    package: name,
    forwards: true,
    reaps: true,
    line: (command) => [name, '--', ...command],
  })),
  {
    name: 's6-svscan',
    package: 's6',
    reaps: true,
    line: (command) => ['s6-svscan', makeService(command)],
  },
  {
    name: 'pm2-runtime',
    findVersion: () => {
      const manifest = resolve(pm2, 'pm2/package.json');
      if (!existsSync(manifest)) installPackage(resolve(build, 'pm2'), 'pm2@7');
      return versionIn(manifest);
    },
    line: ([file, ...args]) => {
      const options = ['--interpreter', 'none', '--no-autorestart'];
      return [resolve(pm2, '.bin/pm2-runtime'), 'start', file, ...options, '--', ...args];
    },
  },
  {
    name: 'bare node',
    forwards: true,
    findVersion: () => process.version,
    line: (command) => ['node', app('bare.cjs'), ...command],
  },
];

/** subreaper where no shell is: what its launcher saves from node is lost. */
export const withoutShell = {
  name: 'node bin/subreaper',
  line: (command) => ['node', subreaper, '--', ...command],
};

/** @returns those that are there, each with its version; the others are left out of the record */
export function findCandidates(record) {
  return all.flatMap((candidate) => {
    showProgress(`looking for ${candidate.name}`);
    try {
      const { package: debian, findVersion = () => debianVersion(debian) } = candidate;
      return [{ ...candidate, version: findVersion() }];
    } catch (error) {
      record.leaveOut(candidate.name, error.message);
      return [];
    }
  });
}

function versionIn(manifest) {
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

function debianVersion(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is dpkg-query that fills it in.
  return execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8', stdio: 'pipe' });
}

/** A folder for s6-svscan with one service. It starts that again when it ends; no measurement waits for the end. */
function makeService(command) {
  const folder = freshPath();
  const run = resolve(folder, 'workload/run');
  mkdirSync(resolve(folder, 'workload'), { recursive: true });
  writeFileSync(run, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`);
  chmodSync(run, 0o755);
  return folder;
}
