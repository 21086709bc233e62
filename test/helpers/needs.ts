import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { kernelTellsReapedStatus } from '../../src/native/kernel-reaping.ts';
import { actor, inject, nodeOf, refuse } from './environment.ts';
import { namespaceObstacle, unshareArguments } from './namespace.mjs';

declare module 'vitest' {
  interface TaskMeta {
    /** What this machine lacks of what a test or a group needs, as `needs` says it. */
    lacks?: readonly string[];
  }
}

/** The options of a test or a group that is skipped where something is missing. The end of the run says what: left-out.ts. */
export interface Needs {
  readonly skip?: true;
  readonly meta?: { readonly lacks: readonly string[] };
}

/** What a test may need that a machine may lack. */
export type Part =
  | 'linux'
  | 'root'
  | 'compiler'
  | 'actor'
  | 'refuse'
  | 'inject'
  | 'namespaces'
  | 'users'
  | 'mounts'
  | 'chosen-pids'
  | 'time-namespaces'
  | 'cgroups'
  | 'kernel-reaping'
  | 'execve'
  | 'strace'
  | 'ps'
  | 'prlimit'
  | 'util-linux'
  | 'coreutils'
  | 'sh-by-path'
  | 'node-pty'
  | 'script'
  | 'dash'
  | 'bash'
  | 'busybox'
  | 'mksh'
  | 'start-stop-daemon'
  | 'mandoc'
  | 'chromium'
  | `node-${string}`;

/**
 * What a test or a group needs, in front of its body: `test('ends', needs('root'), () => …)`. Its name is the same whether
 * it is skipped or not.
 */
export function needs(...parts: readonly Part[]): Needs {
  return lacking(...parts.map(lackOf));
}

/**
 * The same in words of the test's own.
 * @param lacks each behind "3 tests need": what is missing, a colon, and what to do; undefined is not missing
 */
export function lacking(...lacks: readonly (string | undefined)[]): Needs {
  const missing = lacks.filter((lack) => lack !== undefined);
  return missing.length === 0 ? {} : { skip: true, meta: { lacks: missing } };
}

/** A command of a Debian package. */
export function command(name: string, debianPackage = name, PATH = process.env['PATH']): string | undefined {
  const { status } = spawnSync('sh', ['-c', 'command -v "$0"', name], { env: { PATH }, stdio: 'ignore' });
  return status === 0 ? undefined : `${name}: apt-get install ${debianPackage}`;
}

const known = new Map<Part, string | undefined>();

/** What to say of a part that is missing; undefined if it is there. */
export function lackOf(part: Part): string | undefined {
  if (!known.has(part)) known.set(part, findLack(part));
  return known.get(part);
}

function runs(file: string, ...args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}

const noCompiler = 'a C compiler: apt-get install gcc libc6-dev';
const notAllowed = 'this kernel, or this container, does not allow it';

function findLack(part: Part): string | undefined {
  switch (part) {
    case 'linux':
      return process.platform === 'linux' ? undefined : `Linux: this is ${process.platform}`;
    case 'root':
      return process.getuid?.() === 0 ? undefined : 'root: run the tests as root';
    case 'compiler':
      return runs('cc', '--version') ? undefined : noCompiler;
    case 'actor':
      return existsSync(actor) ? undefined : noCompiler;
    case 'refuse':
      if (!existsSync(refuse)) return noCompiler;
      return runs(refuse, 'kill', 'EPERM', 'true') ? undefined : `seccomp(2): ${notAllowed}`;
    case 'inject':
      if (!existsSync(inject)) return noCompiler;
      // It reports on descriptor 3.
      return runs('sh', '-c', `exec ${inject} subreaper init count 0 0 120 true 3>/dev/null`)
        ? undefined
        : `ptrace(2): ${notAllowed}`;
    case 'namespaces':
      return lackOfNamespaces();
    case 'users':
      return lackOfNamespaces() ?? lackOfUsers();
    case 'mounts': {
      const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
      return runs('unshare', ...user, '--mount', 'mount', '-t', 'tmpfs', 'none', '/run')
        ? undefined
        : 'mount namespaces: run the tests as root, or allow user namespaces';
    }
    case 'chosen-pids':
      return lackOfNamespaces() ?? lackOfChosenPids();
    case 'time-namespaces': {
      const args = ['--time', '--monotonic', '1', '--boottime', '1', '--fork', 'true'];
      if (runs('unshare', ...args)) return undefined;
      return 'time namespaces: run the tests as root, on Linux 5.6 or newer with unshare of util-linux 2.36 or newer';
    }
    case 'cgroups':
      return hasCgroups() ? undefined : 'version 1 of cgroups, and root: a machine has version 1 or 2';
    case 'kernel-reaping':
      return kernelTellsReapedStatus()
        ? undefined
        : 'Linux 6.15 or newer, and PIDFD_GET_INFO: this kernel is older, or does not allow it';
    case 'execve':
      return 'execve' in process ? undefined : 'process.execve: this Node.js has none';
    case 'strace':
      return (
        command('strace') ??
        (runs('strace', '-o', '/dev/null', 'true') ? undefined : `ptrace(2): ${notAllowed}`)
      );
    case 'ps':
      // busybox has another.
      return runs('ps', '-A', '-o', 'lstart=') ? undefined : 'ps: apt-get install procps';
    case 'prlimit':
      return command('prlimit', 'util-linux');
    case 'util-linux':
      // busybox has others.
      return runs('setsid', '--wait', 'setpriv', '--reuid', '0', 'true')
        ? undefined
        : 'setsid and setpriv of util-linux: run the tests as root, and apt-get install util-linux';
    case 'coreutils':
      return runs('dd', 'if=/dev/null', 'of=/dev/null', 'oflag=nonblock', 'status=none')
        ? undefined
        : 'dd of coreutils: apt-get install coreutils';
    case 'sh-by-path':
      // A busybox may be built so that its own commands come first, and run in the shell itself.
      return runs('sh', '-c', 'PATH=/no/such/folder; ! cat /dev/null 2>&1')
        ? undefined
        : 'an sh that looks for cat in PATH: this busybox has its own';
    case 'node-pty':
      return runs(process.execPath, '-e', 'require("@lydell/node-pty").spawn("true", [], {})')
        ? undefined
        : 'node-pty: it has no build for this C library';
    case 'script':
      // busybox has another.
      return runs('script', '-qefc', 'true', '/dev/null') ? undefined : 'script: apt-get install bsdutils';
    case 'start-stop-daemon':
      // busybox has another.
      return runs('start-stop-daemon', '--version') ? undefined : 'start-stop-daemon: apt-get install dpkg';
    case 'chromium':
      return existsSync(process.env['CHROMIUM'] ?? '/usr/bin/chromium')
        ? undefined
        : 'Chromium: apt-get install chromium, or set CHROMIUM to its path';
    case 'dash':
    case 'bash':
    case 'busybox':
    case 'mksh':
    case 'mandoc':
      return command(part);
    default: {
      const version = part.slice('node-'.length);
      return nodeOf(version) === undefined
        ? `Node.js ${version} of the npm registry: it cannot be installed, or wants libatomic1`
        : undefined;
    }
  }
}

function lackOfNamespaces(): string | undefined {
  const obstacle = namespaceObstacle();
  return obstacle && `PID namespaces: run the tests as root, or allow user namespaces (${obstacle})`;
}

/** A user namespace has one user, with `--map-root-user`. */
function lackOfUsers(): string | undefined {
  return unshareArguments?.includes('--user')
    ? 'PID namespaces of several users: run the tests as root'
    : undefined;
}

/** Whether the next pid of a PID namespace can be chosen. */
function lackOfChosenPids(): string | undefined {
  const script = 'echo 1000 > /proc/sys/kernel/ns_last_pid';
  return runs('unshare', ...(unshareArguments ?? []), 'sh', '-c', script)
    ? undefined
    : '/proc/sys/kernel/ns_last_pid: it cannot be written';
}

/** cgroups(7), version 1: each controller has a folder of its own. */
function hasCgroups(): boolean {
  const controllers = ['cpu', 'freezer', 'memory', 'pids'];
  return (
    process.getuid?.() === 0 &&
    controllers.every((controller) => existsSync(`/sys/fs/cgroup/${controller}/cgroup.procs`))
  );
}
