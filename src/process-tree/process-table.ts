import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Pid } from '../native/types.ts';

/** A process as /proc shows it at one instant. The pid and the start time together name it for good: pids return. */
export interface ProcessInfo {
  readonly pid: Pid;
  readonly parent: Pid;
  /** The program's name, at most 15 bytes. */
  readonly name: string;
  /** One letter: R, S, D, T (stopped), t (traced), Z (zombie), X (dead): proc_pid_stat(5). */
  readonly state: string;
  /** Clock ticks from boot to the start of the process: USER_HZ, see msPerTick. */
  readonly startTime: number;
  readonly threads: number;
}

/** Reads /proc/pid/stat. @returns undefined once the process is gone */
export function readProcess(pid: number): ProcessInfo | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // ENOENT, or ESRCH if it went between the open and the read.
    return undefined;
  }
  // The name stands in parentheses and may hold some itself; the fields behind it are numbers but for the state.
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  return {
    pid: pid as Pid,
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    state: fields[0] as string,
    parent: Number(fields[1]) as Pid,
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

/** Ticks in /proc are USER_HZ, 100 a second on every architecture that node runs on: sysconf(3), time(7). */
export const msPerTick = 10;

/** Names a process for good, as a key: pids return. */
export function identity({ pid, startTime }: ProcessInfo): string {
  return `${pid} ${startTime}`;
}

export function isSameProcess(one: ProcessInfo | undefined, other: ProcessInfo): boolean {
  return one?.pid === other.pid && one.startTime === other.startTime;
}

/**
 * A zombie has ended, and its parent has not waited for it yet. A process whose first thread ended before the others
 * looks like one, but for their number.
 */
export function hasEnded({ state, threads }: ProcessInfo): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}

/**
 * Whether /proc is there and shows this process's PID namespace. Below `unshare --pid` without a mount of its own it
 * shows the one above, where the same numbers are other processes.
 */
export function isProcUsable(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

function readProcesses(): ProcessInfo[] {
  const processes: ProcessInfo[] = [];
  if (!isProcUsable()) return processes;
  for (const entry of readdirSync('/proc')) {
    const first = entry.charCodeAt(0);
    if (first < 0x30 || first > 0x39) continue;
    const info = readProcess(Number(entry));
    if (info !== undefined) processes.push(info);
  }
  return processes;
}

/**
 * Every process below `pid`, zombies included, parents before their children. A snapshot: what is forked meanwhile
 * may be missing.
 * @returns the empty array where there is no such process, or no /proc
 * @see proc_pid_stat(5)
 */
export function descendants(pid: number): ProcessInfo[] {
  const root = readProcess(pid);
  return root === undefined ? [] : withDescendants([root]).slice(1);
}

/**
 * Those of the processes that are still there, as they are now, and every process below them, in one look at /proc.
 * Where a parent ended during the look, its number may be another's by now, so the children found under it are left
 * out; the next look has them under whoever adopted them.
 */
export function withDescendants(processes: readonly ProcessInfo[]): ProcessInfo[] {
  const byPid = new Map<Pid, ProcessInfo>();
  const childrenOf = new Map<Pid, ProcessInfo[]>();
  for (const info of readProcesses()) {
    byPid.set(info.pid, info);
    const siblings = childrenOf.get(info.parent);
    if (siblings === undefined) childrenOf.set(info.parent, [info]);
    else siblings.push(info);
  }
  const found = new Map<Pid, ProcessInfo>();
  for (const info of processes) {
    const now = byPid.get(info.pid);
    if (now !== undefined && isSameProcess(now, info)) found.set(info.pid, now);
  }
  // A map is walked in the order of insertion, and what is added meanwhile is walked as well.
  for (const [pid, info] of found) {
    const children = childrenOf.get(pid);
    if (children === undefined || !isSameProcess(readProcess(pid), info)) continue;
    for (const child of children) if (!found.has(child.pid)) found.set(child.pid, child);
  }
  return [...found.values()];
}

/**
 * The pids of this process's own children. The file is one read, and a scan of /proc in its absence (it is an
 * option of the kernel): orphans come to the main thread, whose ID is the pid. The scan shows the children of other
 * threads too.
 */
export function ownChildren(): Pid[] {
  if (!isProcUsable()) return [];
  try {
    const list = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
    return list.split(' ').filter(Boolean).map(Number) as Pid[];
  } catch {
    return readProcesses()
      .filter(({ parent }) => parent === process.pid)
      .map(({ pid }) => pid);
  }
}
