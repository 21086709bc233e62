import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export const launcher = resolve(root, 'bin/subreaper');
export const buildFolder = resolve(root, 'build');
export const actorSource = resolve(root, 'test/helpers/actor.c');
/** A workload that does what a test asks of the kernel: see actor.c. */
export const actor = resolve(buildFolder, 'actor');

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

const namespaceArguments = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const userNamespaceArguments = ['--user', '--map-root-user'];

function findUnshare(): readonly string[] | undefined {
  return [namespaceArguments, [...userNamespaceArguments, ...namespaceArguments]].find((args) =>
    succeeds('unshare', [...args, 'true']),
  );
}

/** The arguments with which unshare(1) makes a PID namespace here; undefined where it cannot. */
export const unshareArguments = findUnshare();

/** Why a test that needs these parts cannot run here; undefined where it can. */
export function missing(
  ...parts: readonly ('actor' | 'namespaces' | 'strace' | 'script')[]
): string | undefined {
  for (const part of parts) {
    if (part === 'actor' && !existsSync(actor)) return 'no C compiler (cc) for the tests’ actor';
    if (part === 'namespaces' && unshareArguments === undefined) {
      return 'no PID namespaces: neither root nor user namespaces, or no unshare(1)';
    }
    if (part === 'strace' && !succeeds('strace', ['-o', '/dev/null', 'true']))
      return 'no strace, or no ptrace';
    if (part === 'script' && !succeeds('script', ['--version'])) return 'no script(1) to make a terminal';
  }
  return undefined;
}

export function missingParts(): string[] {
  return (['actor', 'namespaces', 'strace', 'script'] as const)
    .map((part) => missing(part))
    .filter((reason) => reason !== undefined);
}
