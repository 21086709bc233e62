// The files of a run. build/bench keeps what is installed and compiled; the rest is removed at the end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { compile } from '../test/helpers/compile.mjs';

export const root = resolve(import.meta.dirname, '..');
export const build = resolve(root, 'build/bench');
export const app = (name) => resolve(import.meta.dirname, 'apps', name);

const names = ['launch', 'stamp', 'burst', 'storm', 'latency', 'sleepers', 'refuse'];
/** The compiled C programs, by name. */
export const helpers = Object.fromEntries(names.map((name) => [name, resolve(build, name)]));

/** Static where libc allows it, so that no linker takes part in a start. */
export function compileHelpers() {
  for (const [name, program] of Object.entries(helpers)) {
    const source = resolve(root, name === 'refuse' ? 'test' : 'bench', `helpers/${name}.c`);
    try {
      compile(source, program, ['-static']);
    } catch {
      compile(source, program);
    }
  }
}

mkdirSync(build, { recursive: true });
const scratch = mkdtempSync(resolve(build, 'run-'));
// Retried: a process that is killed at the same moment may still write there.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));

let count = 0;
/** @returns a path where nothing is yet, for the time of the run */
export const freshPath = () => resolve(scratch, `${count++}`);

/** Installs an npm package into a new folder, as for production. @returns its node_modules */
export function installPackage(folder, spec) {
  npm('install', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder, spec);
  return resolve(folder, 'node_modules');
}

/** @returns what npm writes */
export function npm(...args) {
  return execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe', timeout: 300_000 });
}
