import { spawnSync } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { koffi } from '../native/addon.ts';
import { attempt } from '../native/attempt.ts';
import { kernelTellsReapedStatus } from '../native/kernel-reaping.ts';
import { detectLibc } from '../native/libc.ts';
import { closePidfd, openPidfd, sendThroughPidfd, sendToGroupThroughPidfd } from '../native/pidfd.ts';
import { becomeSubreaper, ceaseToBeSubreaper } from '../native/process.ts';
import type { Pid } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { readMemoryCgroup, readPidsLimit } from '../observe/cgroups.ts';
import { processName } from '../process-tree/printable-name.ts';
import { isProcUsable, readProcess, scan } from '../process-tree/process-table.ts';
import { readOrNothing } from '../process-tree/read-or-nothing.ts';

export type Facts = ReturnType<typeof readFacts>;

/**
 * What this container offers. Each is tried: a version number says nothing of a seccomp profile or a sandbox. undefined
 * is what cannot be known, without a usable /proc say.
 * @param inherited the descriptors that were open before node opened 0 to 2; undefined if nobody has listed them
 * @param isPrepared whether this start has used V8's code from `subreaper prepare`
 */
export function readFacts(inherited: readonly number[] | undefined, isPrepared: boolean) {
  const usable = isProcUsable();
  const status = readOrNothing('/proc/self/status') ?? '';
  // Only a line feed ends a line: see parseSignalHandling.
  const statusField = (name: string) => new RegExp(`\\n${name}:\\s*(\\S+)`).exec(status)?.[1];
  const pid1 = usable ? readProcess(1) : undefined;
  const wait = attempt(() => void waitForAny(false))?.message;
  const streamAt = (descriptor: number) =>
    inherited?.includes(descriptor) === false ? 'closed' : openStreamAt(descriptor);
  return {
    pid: process.pid as number,
    /** The names of the processes above this one, its parent first; PID 1 last, if they are in its namespace. */
    above: usable ? namesAbove() : [],
    /** The name of PID 1. */
    pid1: pid1 && processName(pid1),
    /** The name of PID 1's oldest child: an init's workload, whatever orphans it has adopted since. */
    workloadOfPid1: pid1 === undefined || process.pid === 1 ? undefined : oldestChild(pid1.pid),
    isProcUsable: usable,
    hasChildrenFiles: readOrNothing(`/proc/self/task/${process.pid}/children`) !== undefined,
    /** What fails; undefined if it works. */
    subreaper: process.pid === 1 ? undefined : attempt(trySubreaper)?.message,
    wait,
    kernelReaps: kernelReaps(),
    pidfd: tryPidfd(),
    /** proc_pid_status(5): 0 none, 1 strict, 2 filter. */
    seccomp: statusField('Seccomp'),
    /** 0 or 1. */
    noNewPrivileges: statusField('NoNewPrivs'),
    memory: readMemoryCgroup(),
    pidsLimit: readPidsLimit(),
    /** Why docs/owners.md's line for a PID namespace does not work here; undefined if it does. libuv aborts where wait4 fails. */
    namespace: wait ?? tryNamespace(),
    node: process.version,
    libc: detectLibc() as string,
    koffi: koffi().version,
    isPrepared,
    stdin: streamAt(0),
    stderr: streamAt(2),
  };
}

/** Of this process alone, and only for this moment. */
function trySubreaper(): void {
  becomeSubreaper();
  ceaseToBeSubreaper();
}

function tryPidfd(): 'none' | 'process' | 'group' {
  const pidfd = openPidfd(process.pid as Pid);
  if (pidfd === undefined) return 'none';
  try {
    // Signal 0 only tests. This process may lead no group: that is no refusal.
    if (sendThroughPidfd(pidfd, 0) === 'refused') return 'none';
    return sendToGroupThroughPidfd(pidfd, 0) === 'refused' ? 'process' : 'group';
  } finally {
    closePidfd(pidfd);
  }
}

/** As docs/owners.md does: node cannot by itself, because unshare(2) refuses a user namespace to a process with threads. */
function tryNamespace(): string | undefined {
  const options = ['--user', '--map-current-user', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const env = { ...process.env, LC_ALL: 'C' };
  const { error, status, stderr } = spawnSync('unshare', [...options, 'true'], { env, encoding: 'utf8' });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no unshare(1) of util-linux' : error.message;
  }
  if (status === 0) return undefined;
  return stderr.split('\n')[0] || `unshare ended with ${status}`;
}

function kernelReaps(): boolean {
  try {
    return kernelTellsReapedStatus();
  } catch {
    return false;
  }
}

function namesAbove(): string[] {
  const names: string[] = [];
  for (let pid = process.ppid; pid > 0; ) {
    const info = readProcess(pid);
    if (info === undefined) break;
    names.push(processName(info));
    pid = info.parent;
  }
  return names;
}

function oldestChild(parent: number): string | undefined {
  const children = scan().filter((info) => info.parent === parent && info.pid !== process.pid);
  const [oldest] = children.sort((one, other) => one.startTime - other.startTime || one.pid - other.pid);
  return oldest && processName(oldest);
}

/** In words. */
function openStreamAt(descriptor: number): string {
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return 'a file';
    if (stat.isFIFO()) return 'a pipe';
    if (stat.isSocket()) return 'a socket';
    return isatty(descriptor) ? 'a terminal' : 'a device';
  } catch {
    return 'closed';
  }
}
