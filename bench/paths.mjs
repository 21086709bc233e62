import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
export const build = resolve(root, 'build/bench');
export const results = resolve(import.meta.dirname, 'results.json');
export const plots = resolve(import.meta.dirname, 'plots');
const scratch = resolve(build, `run-${process.pid}`);
mkdirSync(scratch, { recursive: true });
// Retried: what is killed at the same moment may still write there.
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));

export function app(name) {
  return resolve(import.meta.dirname, 'apps', name);
}

let count = 0;
/** @returns a path that nothing has yet; what is there at the end of the run goes */
export function freshPath(name) {
  return resolve(scratch, `${name}-${count++}`);
}
