import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { orUndefined } from '../native/attempt.ts';
import type { Pid } from '../native/types.ts';
import { withReserve } from './reserve.ts';

/** A process as /proc, ps(1) or Windows shows it at one instant. Pids are reused: only pid and start time together identify it. */
export interface ProcessInfo {
  readonly pid: Pid;
  readonly parent: Pid;
  /** The name of the first thread, at most 15 bytes: usually the program's. That of node 24 is "MainThread". */
  readonly name: string;
  /** One letter: R, S, D, T (stopped), t (traced), Z (zombie), X (dead): proc_pid_stat(5). Empty on Windows. */
  readonly state: string;
  /**
   * Clock ticks from boot to the start of the process: USER_HZ, see msPerTick. On other systems milliseconds from 1970, NaN
   * for a process that does not tell.
   */
  readonly startTime: number;
  readonly threads: number;
}

/**
 * Reads /proc/pid/stat.
 * @returns undefined if the process is gone
 * @throws Error EMFILE, ENFILE, ENOMEM, EACCES: the process may exist or not
 */
export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseStat(pid, stat);
}

/** proc_pid_stat(5): "PID (NAME) STATE PARENT ...". */
export function parseStat(pid: number, stat: string): ProcessInfo {
  // The name is in parentheses and may contain some. Of the fields behind it, only the state is no number.
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ', 20);
  return {
    pid: pid as Pid,
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    state: fields[0] as string,
    parent: Number(fields[1]) as Pid,
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

/** "forked but didn't exec": linux/sched.h, and the field `flags` of proc_pid_stat(5). */
const PF_FORKNOEXEC = 0x40;

/**
 * Whether a process has executed a program since it was forked. false as well if it is gone.
 * @throws Error EMFILE, ENFILE, ENOMEM, EACCES
 */
export function hasExecuted(pid: Pid): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return false;
  const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 7)[6];
  return (Number(flags) & PF_FORKNOEXEC) === 0;
}

const chunk = Buffer.allocUnsafe(8192);

/** Reads a file in /proc, where files have no size. @returns undefined if its process is gone */
function readText(file: string): string | undefined {
  return unlessGone(() => {
    const descriptor = openSync(file, 'r');
    try {
      let text = '';
      for (;;) {
        const size = readSync(descriptor, chunk);
        if (size === 0) return text;
        text += chunk.toString('latin1', 0, size);
      }
    } finally {
      closeSync(descriptor);
    }
  });
}

/** @returns undefined for ENOENT, or for ESRCH, if the process ended between the open and the read */
function unlessGone<Result>(read: () => Result): Result | undefined {
  try {
    return withReserve(read);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Why processes cannot be found here, and what to do; undefined if they can. */
export function whyNoProc(): string | undefined {
  if (isProcUsable()) return undefined;
  return process.platform === 'linux'
    ? '/proc is not mounted, or shows another PID namespace; mount it'
    : `it needs /proc, which ${process.platform} does not have; run it on Linux`;
}

/**
 * Nothing may say that there are no processes where it cannot look, or take strangers for them.
 * @throws Error ERR_NO_PROC
 */
export function requireProc(caller: string): void {
  const why = whyNoProc();
  if (why !== undefined) throw Object.assign(new Error(`${caller}: ${why}`), { code: 'ERR_NO_PROC' });
}

/** Ticks in /proc are USER_HZ: 100 per second on every architecture that node supports, sysconf(3), time(7). */
export const msPerTick = 10;

/** A key that identifies a process, though pids are reused. */
export function identity({ pid, startTime }: ProcessInfo): string {
  return `${pid} ${startTime}`;
}

export function isSameProcess(one: ProcessInfo | undefined, other: ProcessInfo): boolean {
  return one?.pid === other.pid && one.startTime === other.startTime;
}

/**
 * A zombie has ended, and its parent has not waited for it yet. A process whose first thread ended before the others
 * also has state Z, but more than one thread.
 */
export function hasEnded({ state, threads }: ProcessInfo): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}

/**
 * Whether /proc is mounted and shows this process's PID namespace. Under `unshare --pid` without a new mount it shows the
 * parent namespace, where the same numbers are other processes.
 */
export function isProcUsable(): boolean {
  const self = orUndefined(() => readlinkSync('/proc/self'));
  if (self !== undefined) return self === String(process.pid);
  // readlink(2) may be refused alone.
  return orUndefined(() => readText('/proc/self/stat'))?.startsWith(`${process.pid} (`) === true;
}

/**
 * Every process below `pid`, zombies included, parents before their children.
 * @throws Error ERR_NO_PROC, EMFILE, ENFILE, ENOMEM
 */
export function readDescendants(pid: number): ProcessInfo[] {
  requireProc('descendants');
  const root = readProcess(pid);
  return root === undefined ? [] : [...walk([root])].slice(1);
}

/**
 * The given processes that still exist, as they are now, and every process below them, parents before their children. The
 * cost grows with the tree, not with the machine.
 *
 * If a parent ends meanwhile, another process may have its pid, so the walk leaves out the children found under it. The
 * next walk finds them under the process that adopted them.
 * @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read
 */
export function* walk(processes: readonly ProcessInfo[]): Generator<ProcessInfo, void> {
  for (const step of walkInSteps(processes)) yield* step;
}

/** The most files of /proc that a step reads: a millisecond, more or less. */
const READS_PER_STEP = 32;

/**
 * The same in short steps, each of which may find some processes or none: a caller can do other work in between, however
 * many children a process has.
 */
export function* walkInSteps(processes: readonly ProcessInfo[]): Generator<readonly ProcessInfo[], void> {
  const childrenOf = hasChildrenFiles() ? listChildren : yield* scanForChildren();
  const found = new Map<Pid, ProcessInfo>();
  const add = (infos: readonly ProcessInfo[]) => {
    for (const info of infos) found.set(info.pid, info);
    return infos;
  };
  for (const some of inParts(processes)) {
    yield add(
      readProcesses(some.map(({ pid }) => pid)).filter((now) =>
        some.some((info) => isSameProcess(now, info)),
      ),
    );
  }
  // A Map iterates in insertion order, and includes the entries that are added meanwhile.
  for (const [pid, info] of found) {
    for (const some of childrenOf(info)) {
      const children = readProcesses(some).filter((child) => child.parent === pid && !found.has(child.pid));
      const isKnown = children.length > 0 && isSameProcess(readProcess(pid), info);
      yield isKnown ? add(children) : [];
    }
  }
}

function* inParts<Item>(items: readonly Item[]): Generator<readonly Item[], void> {
  for (let start = 0; start < items.length; start += READS_PER_STEP)
    yield items.slice(start, start + READS_PER_STEP);
}

/** Those that are not gone. */
function readProcesses(pids: readonly Pid[]): ProcessInfo[] {
  return pids.map(readProcess).filter((info) => info !== undefined);
}

/** A function that lists the children of a process, some at a time. Some of them may have another parent by now. */
type ChildrenOf = (parent: ProcessInfo) => Iterable<readonly Pid[]>;

/** Where the kernel lists no children, one scan of all processes finds them. Yields now and then meanwhile. */
function* scanForChildren(): Generator<[], ChildrenOf> {
  const childrenOf = new Map<Pid, Pid[]>();
  for (const some of scanInSteps()) {
    for (const { pid, parent } of some) {
      const siblings = childrenOf.get(parent);
      if (siblings === undefined) childrenOf.set(parent, [pid]);
      else siblings.push(pid);
    }
    yield [];
  }
  return ({ pid }) => inParts(childrenOf.get(pid) ?? []);
}

/** Whether the kernel lists each thread's children in a file (CONFIG_PROC_CHILDREN). */
function hasChildrenFiles(): boolean {
  return existsSync(`/proc/self/task/${process.pid}/children`);
}

/** A child belongs to the thread that forked it: proc_tid_children(5). */
function* listChildren({ pid, threads }: ProcessInfo): Generator<readonly Pid[], void> {
  const tasks = threads <= 1 ? [pid] : (unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? []);
  for (const task of tasks) {
    const children = readPids(`/proc/${pid}/task/${task}/children`);
    // A process without children costs a step as well.
    yield* children.length === 0 ? [[]] : inParts(children);
  }
}

function readPids(file: string): Pid[] {
  return parsePids(readText(file) ?? '');
}

/** proc_tid_children(5): "PID PID ". */
export function parsePids(text: string): Pid[] {
  return text.split(' ').filter(Boolean).map(Number) as Pid[];
}

/** Every process of the namespace. @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read */
export function scan(): ProcessInfo[] {
  return [...scanInSteps()].flat();
}

function* scanInSteps(): Generator<readonly ProcessInfo[], void> {
  const pids = withReserve(() => readdirSync('/proc'))
    .filter((entry) => /^\d/.test(entry))
    .map(Number) as Pid[];
  for (const some of inParts(pids)) yield readProcesses(some);
}

/**
 * The children of this process's main thread, whose ID is the pid: orphans come to it. If the kernel has no file for
 * that, the list includes the children of the other threads.
 * @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read
 */
export function ownChildren(): Pid[] {
  const steps = ownChildrenInSteps();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same in short steps. */
export function* ownChildrenInSteps(): Generator<void, Pid[]> {
  if (!isProcUsable()) return [];
  if (hasChildrenFiles()) return readPids(`/proc/self/task/${process.pid}/children`);
  const children: Pid[] = [];
  for (const some of scanInSteps()) {
    for (const { pid, parent } of some) if (parent === process.pid) children.push(pid);
    yield;
  }
  return children;
}
