import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type MemoryCgroup, readMemoryCgroup, readPidsLimit } from '../explain/cgroups.ts';
import { detectLibc, koffi } from '../native/addon.ts';
import { kernelTellsReapedStatus } from '../native/kernel-reaping.ts';
import { closePidfd, openPidfd, sendThroughPidfd, sendToGroupThroughPidfd } from '../native/pidfd.ts';
import { becomeSubreaper, ceaseToBeSubreaper } from '../native/process.ts';
import type { Pid } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { printableName } from '../process-tree/printable-name.ts';
import { isProcUsable, readProcess, scan } from '../process-tree/process-table.ts';
import { readOrNothing } from '../process-tree/read-or-nothing.ts';

/**
 * What this container offers. Each is tried: a version number says nothing of a seccomp profile or a sandbox. undefined
 * is what cannot be known, without a usable /proc say.
 */
export interface Facts {
  readonly pid: number;
  /** The names of the processes above this one, its parent first; PID 1 last, if they are in its namespace. */
  readonly above: readonly string[];
  /** The name of PID 1; undefined without a usable /proc. */
  readonly pid1: string | undefined;
  /** The name of PID 1's oldest child: an init's workload, whatever orphans it has adopted since. */
  readonly workloadOfPid1: string | undefined;
  readonly isProcUsable: boolean;
  readonly hasChildrenFiles: boolean;
  /** The error of each step; undefined if it works. */
  readonly subreaper: string | undefined;
  readonly wait: string | undefined;
  readonly kernelReaps: boolean;
  readonly pidfd: 'none' | 'process' | 'group';
  /** proc_pid_status(5): 0 none, 1 strict, 2 filter. */
  readonly seccomp: string | undefined;
  readonly noNewPrivileges: boolean | undefined;
  readonly memory: MemoryCgroup | undefined;
  readonly pidsLimit: number | 'none' | undefined;
  readonly node: string;
  readonly libc: string;
  readonly koffi: string;
  readonly stdin: StreamKind;
  readonly stderr: StreamKind;
}

export type StreamKind = 'closed' | 'terminal' | 'file' | 'pipe' | 'socket' | 'device';

/** @param inherited the descriptors that were open before node opened 0 to 2; undefined if nobody has listed them */
export function readFacts(inherited: readonly number[] | undefined): Facts {
  const usable = isProcUsable();
  const status = readOrNothing('/proc/self/status') ?? '';
  const statusField = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  const pid1 = usable ? readProcess(1) : undefined;
  const noNewPrivileges = statusField('NoNewPrivs');
  const kindOf = (descriptor: number) =>
    inherited?.includes(descriptor) === false ? 'closed' : openKindOf(descriptor);
  return {
    pid: process.pid,
    above: usable ? namesAbove() : [],
    pid1: pid1 && printableName(pid1.name),
    workloadOfPid1: pid1 === undefined || process.pid === 1 ? undefined : oldestChild(pid1.pid),
    isProcUsable: usable,
    hasChildrenFiles: readOrNothing(`/proc/self/task/${process.pid}/children`) !== undefined,
    subreaper: process.pid === 1 ? undefined : errorOf(trySubreaper),
    wait: errorOf(() => waitForAny(false)),
    kernelReaps: succeeds(kernelTellsReapedStatus),
    pidfd: tryPidfd(),
    seccomp: statusField('Seccomp'),
    noNewPrivileges: noNewPrivileges === undefined ? undefined : noNewPrivileges === '1',
    memory: readMemoryCgroup(),
    pidsLimit: readPidsLimit(),
    node: process.version,
    libc: detectLibc(),
    koffi: koffi().version,
    stdin: kindOf(0),
    stderr: kindOf(2),
  };
}

/** Of this process alone, and only for this moment. */
function trySubreaper(): void {
  becomeSubreaper();
  ceaseToBeSubreaper();
}

function tryPidfd(): Facts['pidfd'] {
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

function namesAbove(): string[] {
  const names: string[] = [];
  for (let pid = process.ppid; pid > 0; ) {
    const info = readProcess(pid);
    if (info === undefined) break;
    names.push(printableName(info.name));
    pid = info.parent;
  }
  return names;
}

function oldestChild(parent: number): string | undefined {
  const children = scan().filter((info) => info.parent === parent && info.pid !== process.pid);
  const [oldest] = children.sort((one, other) => one.startTime - other.startTime || one.pid - other.pid);
  return oldest && printableName(oldest.name);
}

function openKindOf(descriptor: number): StreamKind {
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return 'file';
    if (stat.isFIFO()) return 'pipe';
    if (stat.isSocket()) return 'socket';
    return isatty(descriptor) ? 'terminal' : 'device';
  } catch {
    return 'closed';
  }
}

function errorOf(step: () => void): string | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function succeeds(step: () => boolean): boolean {
  try {
    return step();
  } catch {
    return false;
  }
}
