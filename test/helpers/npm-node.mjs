// Versions of node, each from its npm package, in folders below build/node.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

const folderOfAll = resolve(import.meta.dirname, '../../build/node');

/**
 * @param {string} version  '22', say
 * @param {string} arch  x64, or arm64
 * @returns {string} the folder with `node` of that version
 */
export function installNode(version, arch = process.arch) {
  const folder = resolve(folderOfAll, arch === process.arch ? version : `${version}-${arch}`);
  const package_ = `node-linux-${arch}`;
  const bin = resolve(folder, 'node_modules', package_, 'bin');
  if (existsSync(resolve(bin, 'node'))) return bin;
  mkdirSync(folderOfAll, { recursive: true });
  // It appears whole: tests that run at once install the same.
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    // Without a package.json here npm would install into the project.
    execFileSync('npm', ['init', '--yes'], { cwd: unfinished, stdio: 'ignore' });
    // npm refuses the package of another processor, unless it is forced.
    const flags = ['--silent', '--no-audit', '--no-fund', '--force', `--cpu=${arch}`];
    execFileSync('npm', ['install', ...flags, `${package_}@${version}`], {
      cwd: unfinished,
      stdio: 'inherit',
    });
    renameSync(unfinished, folder);
  } catch (error) {
    // Another one may have been faster.
    if (!existsSync(resolve(bin, 'node'))) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return bin;
}
