import { execFileSync } from 'node:child_process';

/**
 * @param {string} folder
 * @returns {string} the commit whose files are there; `changed` where they differ from it, and without git
 */
export function commitOf(folder) {
  try {
    const git = (/** @type {string[]} */ ...args) =>
      execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
    return git('status', '--porcelain') === '' ? git('rev-parse', '--short', 'HEAD') : 'changed';
  } catch {
    return 'changed';
  }
}
