// Sources from the Debian mirror that apt uses.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The source of a Debian package: what upstream's repository holds.
 * @typedef {object} DebianSource
 * @property {string} path  in a Debian mirror
 * @property {string} sha256
 */

/**
 * Unpacks a source into a folder. What else is there stays.
 * @param {DebianSource} source
 * @param {string} folder
 */
export function unpackSource({ path, sha256 }, folder) {
  const tarball = resolve(folder, 'source.tar');
  // A mirror serves a name with + and ~ only if both are encoded.
  const url = `${debianMirror()}${path.replaceAll('+', '%2b').replaceAll('~', '%7e')}`;
  // The user that apt downloads as may not enter this folder.
  const options = ['-qq', '-o', 'APT::Sandbox::User=root'];
  run('/usr/lib/apt/apt-helper', [...options, 'download-file', url, tarball, `SHA256:${sha256}`], folder);
  run('tar', ['--extract', '--file', tarball, '--strip-components=1'], folder);
  rmSync(tarball);
}

/** @returns {string} the one that apt uses, with a slash at its end */
function debianMirror() {
  const filter = ['Created-By: Packages', 'Origin: Debian', 'Label: Debian'];
  const mirrors = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...filter]);
  const [mirror] = mirrors.split('\n');
  if (!mirror) throw new Error('apt has no Debian mirror');
  return mirror;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {string} its output
 */
export function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
