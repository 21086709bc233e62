// The files of a run. What is installed and compiled stays in build/bench; what a measurement writes goes at the end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
export const build = resolve(root, 'build/bench');

export function app(name) {
  return resolve(import.meta.dirname, 'apps', name);
}

/** The compiled C programs, by name. */
export const helpers = Object.fromEntries(
  ['launch', 'stamp', 'burst', 'storm', 'latency', 'sleepers'].map((name) => [name, resolve(build, name)]),
);

/** Static where libc allows it: a start is then the kernel's work and no linker's. */
export function compileHelpers() {
  mkdirSync(build, { recursive: true });
  for (const [name, program] of Object.entries(helpers)) {
    const args = ['-O2', '-o', program, resolve(import.meta.dirname, 'helpers', `${name}.c`)];
    try {
      execFileSync('cc', ['-static', ...args], { stdio: 'pipe' });
    } catch {
      execFileSync('cc', args, { stdio: ['ignore', 'ignore', 'inherit'] });
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
  const options = ['--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder];
  npm('install', ...options, spec);
  return resolve(folder, 'node_modules');
}

/** @returns what it writes. @throws with the first line of its error */
export function npm(...args) {
  try {
    return execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe', timeout: 30_000 });
  } catch (error) {
    throw new Error(`npm ${args[0]}: ${String(error.stderr).trim().split('\n')[0] || error.message}`);
  }
}
