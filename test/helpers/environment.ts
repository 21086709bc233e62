import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { blindly, unshareArguments } from './namespace.mjs';
import { installNode } from './npm-node.mjs';

export { blindly, unshareArguments };

const root = resolve(import.meta.dirname, '../..');

export const launcher = resolve(root, 'bin/subreaper');
export const buildFolder = resolve(root, 'build');
/** A workload that does what a test asks of the kernel: see actor.c. */
export const actor = resolve(buildFolder, 'actor');
/** Runs a command for which some system calls fail: see refuse.c. */
export const refuse = resolve(buildFolder, 'refuse');
/** Makes the Nth system call of init fail: see inject.c. */
export const inject = resolve(buildFolder, 'inject');

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The folder of a `node` of that version; undefined if it cannot be installed or run here. */
export function nodeOf(version: string): string | undefined {
  try {
    const bin = installNode(version);
    return succeeds(resolve(bin, 'node'), ['--version']) ? bin : undefined;
  } catch {
    return undefined;
  }
}
