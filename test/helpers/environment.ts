import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { kernelTellsReapedStatus } from '../../src/native/kernel-reaping.ts';
import { unshareArguments } from './namespace.mjs';
import { installNode } from './npm-node.mjs';

export { unshareArguments };

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

/** The folder of a `node` that is too old for the package; undefined if it cannot be installed or run here. */
export function oldNode(): string | undefined {
  try {
    const bin = installNode('18');
    return succeeds(resolve(bin, 'node'), ['--version']) ? bin : undefined;
  } catch {
    return undefined;
  }
}

/** cgroups(7), version 1: each controller has a folder of its own. */
function hasCgroups(): boolean {
  const controllers = ['cpu', 'freezer', 'memory', 'pids'];
  return (
    process.getuid?.() === 0 &&
    controllers.every((controller) => existsSync(`/sys/fs/cgroup/${controller}/cgroup.procs`))
  );
}

/** What a test may need that a machine may lack. */
export type Part =
  | 'actor'
  | 'refuse'
  | 'inject'
  | 'namespaces'
  | 'strace'
  | 'prlimit'
  | 'cgroups'
  | 'script'
  | 'dash'
  | 'bash'
  | 'busybox'
  | 'mksh'
  | 'start-stop-daemon'
  | 'chromium'
  | 'kernel-reaping'
  | 'node-18'
  | 'mandoc';

function reasonFor(part: Part): string | undefined {
  switch (part) {
    case 'actor':
      return existsSync(actor) ? undefined : 'no C compiler (cc) for the tests’ actor';
    case 'refuse':
      return succeeds(refuse, ['kill', 'EPERM', 'true']) ? undefined : 'no C compiler (cc), or no seccomp(2)';
    case 'inject':
      // It reports on descriptor 3.
      return succeeds('sh', ['-c', `exec ${inject} subreaper init count 0 0 120 true 3>/dev/null`])
        ? undefined
        : 'no C compiler (cc), or no ptrace(2)';
    case 'namespaces':
      return unshareArguments
        ? undefined
        : 'no PID namespaces: neither root nor user namespaces, or no unshare(1)';
    case 'strace':
      return succeeds('strace', ['-o', '/dev/null', 'true']) ? undefined : 'no strace, or no ptrace';
    case 'prlimit':
      return succeeds('prlimit', ['--version']) ? undefined : 'no prlimit(1)';
    case 'cgroups':
      return hasCgroups() ? undefined : 'no cgroups v1 with their controllers, or not root';
    case 'script':
      return succeeds('script', ['--version']) ? undefined : 'no script(1) to make a terminal';
    case 'chromium':
      return existsSync(process.env['CHROMIUM'] ?? '/usr/bin/chromium')
        ? undefined
        : 'no Chromium: neither /usr/bin/chromium nor $CHROMIUM';
    case 'kernel-reaping':
      return kernelTellsReapedStatus()
        ? undefined
        : 'no kernel reaping: Linux before 6.15, or PIDFD_GET_INFO is refused';
    case 'node-18':
      return oldNode() === undefined ? 'no Node.js 18 of the npm registry' : undefined;
    case 'mandoc':
      return succeeds('sh', ['-c', 'command -v mandoc']) ? undefined : 'no mandoc(1)';
    case 'start-stop-daemon':
      return succeeds(part, ['--version']) ? undefined : 'no start-stop-daemon(8)';
    default:
      return succeeds(part, part === 'busybox' ? ['true'] : ['-c', ':']) ? undefined : `no ${part}`;
  }
}

/** Why a test that needs these parts cannot run here; undefined if it can. */
export function missing(...parts: readonly Part[]): string | undefined {
  return parts.map(reasonFor).find((reason) => reason !== undefined);
}

/** One line for each part that this machine lacks. */
export function missingParts(): string[] {
  const all: readonly Part[] = [
    'actor',
    'refuse',
    'inject',
    'namespaces',
    'strace',
    'prlimit',
    'cgroups',
    'script',
    'dash',
    'bash',
    'busybox',
    'mksh',
    'start-stop-daemon',
    'chromium',
    'kernel-reaping',
    'node-18',
    'mandoc',
  ];
  return all.map(reasonFor).filter((reason) => reason !== undefined);
}
