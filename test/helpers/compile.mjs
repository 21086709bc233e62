import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Compiles a program in C.
 * @param {string} source
 * @param {string} program
 * @param {readonly string[]} options  added to those of all programs
 * @returns {boolean} false without a compiler
 * @throws if it does not compile
 */
export function compile(source, program, options = []) {
  mkdirSync(dirname(program), { recursive: true });
  const args = ['-Wall', '-Wextra', '-Werror', '-O2', '-pthread', ...options, '-o', program, source];
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (error === undefined && status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  return error === undefined;
}
