// Versions of node, each from its npm package, in folders below build/node.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const folderOfAll = resolve(import.meta.dirname, '../../build/node');

/**
 * @param {string} version  '22', say
 * @returns {string} the folder with `node` of that version
 */
export function installNode(version) {
  const folder = resolve(folderOfAll, version);
  const package_ = `node-linux-${process.arch}`;
  const bin = resolve(folder, 'node_modules', package_, 'bin');
  if (!existsSync(resolve(bin, 'node'))) {
    mkdirSync(folder, { recursive: true });
    // Without a package.json here npm would install into the project.
    execFileSync('npm', ['init', '--yes'], { cwd: folder, stdio: 'ignore' });
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `${package_}@${version}`], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
  return bin;
}
