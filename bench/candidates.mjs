// The inits that are compared. Each makes the line that runs a command below it: the line is what an image would have.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { app, build, freshPath, root } from './paths.mjs';
import { environment } from './processes.mjs';

const INSTALL_MS = 30_000;
const subreaper = resolve(root, 'bin/subreaper');
const pm2Folder = resolve(build, 'pm2');
const pm2Runtime = resolve(pm2Folder, 'node_modules/.bin/pm2-runtime');

/**
 * forwards: SIGUSR2 reaches the workload; ends: it ends when the workload does; reaps: it is said to reap orphans.
 * isNode: it runs on node, so a Node workload shares pages with it.
 */
const all = [
  {
    name: 'subreaper',
    isNode: true,
    forwards: true,
    ends: true,
    reaps: true,
    findVersion: () => JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).version,
    line: (command, options = []) => [subreaper, ...options, '--', ...command],
  },
  ...['tini', 'dumb-init', 'catatonit'].map((name) => ({
    name,
    forwards: true,
    ends: true,
    reaps: true,
    findVersion: () => outputOf(name, '--version').replace(/^.*version |^dumb-init v/, ''),
    line: (command) => [name, '--', ...command],
  })),
  {
    name: 's6-svscan',
    reaps: true,
    findVersion: () => {
      // It has no option for that.
      outputOf('sh', '-c', 'command -v s6-svscan');
      const { stdout } = spawnSync('dpkg-query', ['-s', 's6'], { encoding: 'utf8' });
      return /^Version: (.*)$/m.exec(stdout ?? '')?.[1] ?? 'of unknown version';
    },
    line: (command) => ['s6-svscan', makeService(command)],
  },
  {
    name: 'pm2-runtime',
    isNode: true,
    findVersion: installPm2,
    line: ([file, ...args]) => [
      pm2Runtime,
      'start',
      file,
      '--interpreter',
      'none',
      '--no-autorestart',
      '--',
      ...args,
    ],
  },
  {
    name: 'bare node',
    isNode: true,
    forwards: true,
    ends: true,
    findVersion: () => process.version,
    line: (command) => ['node', app('bare.cjs'), ...command],
  },
];

/** subreaper where no shell is: what its launcher saves from node is lost. */
export const withoutShell = {
  name: 'node bin/subreaper',
  isNode: true,
  line: (command) => ['node', subreaper, '--', ...command],
};

/** @returns those that are there, each with its version, and the others with the reason */
export function findCandidates(progress) {
  const candidates = [];
  const missing = [];
  for (const candidate of all) {
    progress.show(`looking for ${candidate.name}`);
    try {
      candidates.push({ ...candidate, version: candidate.findVersion() });
    } catch (error) {
      missing.push({ candidate: candidate.name, reason: error.message.split('\n')[0] });
    }
  }
  return { candidates, missing };
}

function outputOf(file, ...args) {
  const { error, status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: environment });
  if (error?.code === 'ENOENT') throw new Error(`${file} is not in PATH`);
  if (error || status !== 0) throw new Error(`${file} ${args.join(' ')} failed`);
  return (stdout || stderr).trim();
}

/** A folder for s6-svscan with one service. It starts that again when it ends; no measurement waits for the end. */
function makeService(command) {
  const folder = freshPath('s6');
  const run = resolve(folder, 'workload/run');
  mkdirSync(resolve(folder, 'workload'), { recursive: true });
  writeFileSync(run, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`);
  chmodSync(run, 0o755);
  return folder;
}

function installPm2() {
  const manifest = resolve(pm2Folder, 'node_modules/pm2/package.json');
  if (!existsSync(manifest)) {
    mkdirSync(pm2Folder, { recursive: true });
    writeFileSync(resolve(pm2Folder, 'package.json'), '{ "private": true }\n');
    try {
      execFileSync(
        'npm',
        ['install', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', 'pm2@7'],
        {
          cwd: pm2Folder,
          stdio: 'pipe',
          timeout: INSTALL_MS,
        },
      );
    } catch (error) {
      throw new Error(
        `pm2 cannot be installed, ${String(error.stderr).trim().split('\n')[0] || error.message}`,
      );
    }
  }
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}
