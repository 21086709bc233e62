import type { Pid } from '../native/types.ts';
import { processName, stateName } from '../process-tree/printable-name.ts';
import {
  hasEnded,
  isProcUsable,
  type ProcessInfo,
  readProcess,
  walk,
} from '../process-tree/process-table.ts';
import { readOrNothing } from '../process-tree/read-or-nothing.ts';
import { readSignalHandling, type SignalHandling } from '../process-tree/signal-handling.ts';

/** How many processes a sentence names. */
const MOST_NAMES = 10;
/** How many it counts: a tree that is about to be killed may be large, and grow meanwhile. */
const MOST_COUNTED = 200;
/** How long a process must stay in an uninterruptible sleep to be called that. */
const MOMENT_MS = 10;

/** A process that still runs. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: Pid;
  /** What keeps it from acting on any signal but SIGKILL: it is stopped, or in an uninterruptible sleep. */
  readonly heldBy: string | undefined;
  readonly handling: SignalHandling | undefined;
}

/** The processes below init that have not ended. */
export interface Tree {
  /** The workload first if it runs, and parents before their children; ten at most. */
  readonly named: readonly RunningProcess[];
  readonly more: number;
  /** false if there may be still more, which were not counted. */
  readonly isCounted: boolean;
}

/**
 * Takes a snapshot of the tree below this process.
 * @param ownChild a process of init's own, which is left out
 * @returns undefined if /proc cannot be read
 */
export function takeSnapshot(workload: Pid | undefined, ownChild: Pid | undefined): Tree | undefined {
  let visited = 0;
  const named: ProcessInfo[] = [];
  let count = 0;
  let isCounted = true;
  try {
    const self = isProcUsable() ? readProcess(process.pid) : undefined;
    if (self === undefined) return undefined;
    for (const info of walk([self])) {
      isCounted = visited++ < MOST_COUNTED;
      if (!isCounted) break;
      if (info.pid === process.pid || info.pid === ownChild || hasEnded(info)) continue;
      count++;
      if (info.pid === workload) named.unshift(info);
      else if (named.length < MOST_NAMES) named.push(info);
    }
  } catch {
    // No descriptor is left. What follows must be done all the same.
    return undefined;
  }
  const shown = describe(named.slice(0, MOST_NAMES));
  return { named: shown, more: count - shown.length, isCounted };
}

function describe(processes: readonly ProcessInfo[]): RunningProcess[] {
  const before = processes.map((info) => ({ info, handling: readSignalHandling(info.pid) }));
  // Anything that waits for a disk or a vfork(2) is in state D for a moment. Only one that stays there is held up.
  if (processes.some(({ state }) => state === 'D')) pause(MOMENT_MS);
  return before.map(({ info, handling }) => {
    const { pid } = info;
    return { name: processName(info), pid, heldBy: heldBy(info, handling), handling };
  });
}

function heldBy(info: ProcessInfo, before: SignalHandling | undefined): string | undefined {
  const { state, pid } = info;
  if (state === 'T' || state === 't') return stateName(info);
  if (state !== 'D') return undefined;
  // A process that has run meanwhile has switched to others again.
  if (before === undefined || readSignalHandling(pid)?.switches !== before.switches) return undefined;
  const where = kernelFunction(pid);
  return where === undefined ? stateName(info) : `${stateName(info)} (${where})`;
}

/** Stops this thread: short enough for the signals that wait. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Where in the kernel a process sleeps: proc_pid_wchan(5). Without the privilege to know, it is 0. */
function kernelFunction(pid: Pid): string | undefined {
  return /^\w*[a-z]\w*$/i.exec(readOrNothing(`/proc/${pid}/wchan`) ?? '')?.[0];
}
