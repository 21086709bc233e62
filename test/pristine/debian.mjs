// A root folder with Debian's least, node, npm and git, as many a machine or image has them.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installNode } from '../helpers/npm-node.mjs';

/** Another recipe needs another folder. */
const recipe = '1';

/** The user of the pass without root. */
export const user = { id: 1000, home: '/home/user' };

/**
 * Makes the folder, unless it is there from a run before.
 * @param {string} below  the folder that it is kept in
 * @returns {string} the folder, which nothing may write to
 */
export function provideDebian(below) {
  const folder = join(below, `debian-${recipe}`);
  if (existsSync(folder)) return folder;
  // It gets its name once it is complete.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  // minbase has no certificates, without which neither npm nor git reaches anything.
  run('debootstrap', '--variant=minbase', '--include=git,ca-certificates', 'bookworm', unfinished);
  const options = ['--create-home', '--uid', String(user.id), '--home-dir', user.home];
  run('chroot', unfinished, 'useradd', ...options, 'user');
  installNpm(join(unfinished, 'usr/local'));
  renameSync(unfinished, folder);
  return folder;
}

/** node and npm of the npm registry, in the places where node's own archive has them. */
function installNpm(local) {
  cpSync(join(installNode('24'), 'node'), join(local, 'bin/node'));
  const packages = join(local, 'lib');
  // Without a package.json npm would look for one further up.
  writeFileSync(join(packages, 'package.json'), '{}');
  run('npm', 'install', '--prefix', packages, '--silent', '--no-audit', '--no-fund', '--no-save', 'npm@11');
  rmSync(join(packages, 'package.json'));
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
}

/** @throws with what the program said */
function run(file, ...args) {
  try {
    execFileSync(file, args, { stdio: 'pipe', encoding: 'utf8', maxBuffer: 2 ** 26 });
  } catch (error) {
    throw new Error(`${file} failed: ${`${error.stdout}${error.stderr}`.trim() || error.message}`);
  }
}
