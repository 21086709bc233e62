// The files of a run. What is installed and compiled stays in build/bench; what a measurement writes goes at the end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { compile } from '../test/helpers/compile.mjs';

export const root = resolve(import.meta.dirname, '..');
export const build = resolve(root, 'build/bench');
export const app = (name) => resolve(import.meta.dirname, 'apps', name);

/** The compiled C programs, by name. */
export const helpers = Object.fromEntries(
  ['launch', 'stamp', 'burst', 'storm', 'latency', 'sleepers'].map((name) => [name, resolve(build, name)]),
);

/** Static where libc allows it: a start is then the kernel's work and no linker's. */
export function compileHelpers() {
  for (const [name, program] of Object.entries(helpers)) {
    const compileWith = (options) =>
      compile(resolve(import.meta.dirname, 'helpers', `${name}.c`), program, options);
    try {
      compileWith(['-static']);
    } catch {
      compileWith([]);
    }
  }
}

const scratch = resolve(build, `run-${process.pid}`);
// Retried: what is killed at the same moment may still write there.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));

let count = 0;
/** @returns a path that nothing has yet, for the time of the run */
export function freshPath() {
  mkdirSync(scratch, { recursive: true });
  return resolve(scratch, `${count++}`);
}

/** Installs an npm package into a folder of its own, as for production. @returns its node_modules */
export function installPackage(folder, spec) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  npm('install', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder, spec);
  return resolve(folder, 'node_modules');
}

/** @returns what it writes */
export function npm(...args) {
  return execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe', timeout: 30_000 });
}
