import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Compiles a program in C. It appears whole: another run in this folder may execute the one before.
 * @param {string} source
 * @param {string} program
 * @param {readonly string[]} options  added to those of all programs
 * @param {string} compiler
 * @returns {boolean} false without a compiler
 * @throws if it does not compile
 */
export function compile(source, program, options = [], compiler = 'cc') {
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const args = ['-Wall', '-Wextra', '-Werror', '-O2', '-pthread', ...options, '-o', unfinished, source];
  const { error, status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (error === undefined && status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  if (error === undefined) renameSync(unfinished, program);
  return error === undefined;
}
