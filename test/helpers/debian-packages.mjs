import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { preparePrivateApt } from './private-apt.mjs';

const run = promisify(execFile);

/**
 * Unpacks packages of a Debian release, from the mirror that this machine's apt uses. The folder appears whole.
 * @param {string} folder  must not be there
 * @param {{ release: string, architecture: string }} debian  bookworm and arm64, say
 * @param {readonly string[] | { of: readonly string[], matching: RegExp }} packages  their names, or which of some and what they need
 * @returns {Promise<readonly string[]>} the names of the packages
 * @throws if the mirror does not have them
 */
export async function unpackPackages(folder, { release, architecture }, packages) {
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    const apt = preparePrivateApt(release, unfinished, architecture);
    await run('apt-get', [...apt, '-qq', 'update']);
    const names = 'of' in packages ? await dependencies(packages, apt) : packages;
    const archives = join(unfinished, 'archives');
    mkdirSync(archives);
    await run('apt-get', [...apt, '-qq', 'download', ...names], { cwd: archives });
    const unpacked = join(unfinished, 'unpacked');
    for (const archive of readdirSync(archives))
      await run('dpkg-deb', ['--extract', join(archives, archive), unpacked]);
    renameSync(unpacked, folder);
    return names;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Of these packages, and of each that they need. */
async function dependencies({ of, matching }, apt) {
  const args = [...apt, 'depends', '--recurse', '--important', ...of];
  const { stdout } = await run('apt-cache', args, { maxBuffer: 1 << 24 });
  return [...new Set(stdout.split('\n'))].filter((name) => matching.test(name));
}
