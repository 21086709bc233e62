import type { Pid } from '../native/types.ts';

/** A process as ps(1) shows it, for systems without /proc. */
export interface PsProcess {
  readonly pid: Pid;
  readonly parent: Pid;
  /** Of its command line, up to the first space. */
  readonly name: string;
  /** One letter; T is stopped and Z a zombie on every system. */
  readonly state: string;
  /** In milliseconds from 1970. */
  readonly startTime: number;
  /** ps(1) does not tell. */
  readonly threads: 1;
  /** Whether its environment, or its command line, has the mark that was asked for. */
  readonly isMarked: boolean;
}

/** How far apart ps(1) may say that the same process has started, in milliseconds. It tells seconds. */
const SAME_START_MS = 1000;

/** Rather none than one that hangs: it blocks this process. */
const LONGEST_MS = 2000;

const columns = ['pid', 'ppid', 'stat', 'lstart', 'command'];
/** "PID PARENT STATE Tue Dec  1 07:42:30 2026     COMMAND ENVIRONMENT": macOS pads the time. */
const line = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+) *(.*)$/gm;

/**
 * Every process but ps(1) itself. It does not show the environment of another user's process, nor on macOS that of a program
 * of the system's.
 * @param mark what to look for in the environments, as they were when each program was executed
 * @throws Error ERR_NO_PS if there is no ps(1), or it does not show this process
 */
export function listProcesses(mark?: string): PsProcess[] {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  // All processes with their environments: -E of macOS; e of the BSDs, which procps has too.
  const all = process.platform === 'darwin' ? '-AEww' : 'axeww';
  // The command's PATH may have no ps. An empty element would be the working directory.
  const path = [process.env['PATH'], '/bin', '/usr/bin'].filter(Boolean).join(':');
  const options = {
    encoding: 'latin1',
    env: { PATH: path, LC_ALL: 'C', TZ: 'UTC' },
    // In a session of its own: Ctrl-C and Ctrl-Z are not for it.
    detached: true,
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 30,
  } as const;
  const ps = spawnSync('ps', [all, ...columns.flatMap((column) => ['-o', `${column}=`])], options);
  const found = parseProcesses(ps.stdout ?? '', mark).filter(({ pid }) => pid !== ps.pid);
  // One that was killed may have shown a part.
  if (ps.status === 0 && found.some(({ pid }) => pid === process.pid)) return found;
  const why = ps.error?.message ?? `it ended with ${ps.status ?? ps.signal}, or did not show this process`;
  throw Object.assign(new Error(`ps(1) is of no use, ${why}`), { code: 'ERR_NO_PS' });
}

export function parseProcesses(text: string, mark?: string): PsProcess[] {
  return Array.from(text.matchAll(line), ([, pid, parent, state = '', started, command = '']) => ({
    pid: Number(pid) as Pid,
    parent: Number(parent) as Pid,
    name: (command.split(' ', 1)[0] as string).split('/').at(-1) as string,
    state: state.slice(0, 1),
    startTime: Date.parse(`${started} UTC`),
    threads: 1,
    isMarked: mark !== undefined && command.includes(mark),
  }));
}

/** Pids are reused: only pid and start time together identify a process. */
export function isSame(one: PsProcess, other: PsProcess): boolean {
  return one.pid === other.pid && Math.abs(one.startTime - other.startTime) <= SAME_START_MS;
}

/**
 * The processes of a tree, zombies included: its roots, and everything below them. Parents come before their children.
 * @param isRoot of a process that is in the tree whoever its parent is
 */
export function treeIn(all: readonly PsProcess[], isRoot: (each: PsProcess) => boolean): PsProcess[] {
  const found = new Map<Pid, PsProcess>();
  // A child may stand before its parent in the list.
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const each of all) {
      if (!found.has(each.pid) && (found.has(each.parent) || isRoot(each))) found.set(each.pid, each);
    }
  }
  return [...found.values()];
}
