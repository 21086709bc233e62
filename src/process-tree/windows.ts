import { SystemError } from '../native/system-error.ts';
import { now, sleep } from '../native/timers.ts';
import type { Errno, Pid } from '../native/types.ts';
import {
  closeHandle,
  type Handle,
  isTerminated,
  openToTerminate,
  processStartedMs,
  type SnapshotEntry,
  snapshot,
  startedMs,
  terminate,
} from '../native/windows.ts';

/** No event says when another process has started one. */
const SNAPSHOT_EVERY_MS = 20;
/** Two are enough for a tree that starts nothing meanwhile. */
const MOST_SNAPSHOTS = 5;
/** A process in a driver may not end. */
const LONGEST_MS = 10_000;
const EPERM = 1 as Errno;

interface WindowsProcess extends SnapshotEntry {
  /** There are no such states. */
  readonly state: '';
  /** In milliseconds from 1970. NaN if Windows does not tell. */
  readonly startTime: number;
}

/** Every process below `pid`, parents before their children. */
export function descendantsOnWindows(pid: number): WindowsProcess[] {
  const all = snapshot();
  const root = all.find((entry) => entry.pid === pid);
  const found = root === undefined ? [] : [infoOf(root)];
  for (const parent of found) {
    for (const entry of all) {
      if (entry.parent !== parent.pid || found.some((known) => known.pid === entry.pid)) continue;
      const info = infoOf(entry);
      // Its parent may have ended, and have left its pid to a younger process.
      if (!(info.startTime < parent.startTime)) found.push(info);
    }
  }
  return found.slice(1);
}

function infoOf(entry: SnapshotEntry): WindowsProcess {
  return { ...entry, state: '', startTime: processStartedMs(entry.pid) };
}

/**
 * Terminates a process, and everything below it. It opens the whole tree first: the end of one process may be that of its
 * children, whose own children nothing would lead to then. And no other process gets the pid of one that is open, so what a
 * snapshot shows below a member, that member has started, also if it has ended.
 * @throws SystemError EPERM for a process that may not be terminated, after the others have ended
 */
export async function terminateTree(root: number): Promise<void> {
  const open = new Map<Pid, Handle>();
  /** Those that a snapshot has shown in the tree after they were opened: before that, a pid may be given to another one. */
  const members = new Map<Pid, Handle>();
  /** Those that could not be opened: once if they were about to end, again if they are protected. */
  const failed = new Set<Pid>();
  const refused = new Set<Pid>();
  let snapshots = 0;

  const started = (pid: Pid) => {
    const handle = open.get(pid);
    return handle === undefined ? processStartedMs(pid) : startedMs(handle);
  };

  /** @returns those that are in the tree, and no members yet */
  function find(): Pid[] {
    // One that has ended, and is held open by somebody, has no thread.
    const all = snapshot().filter(({ threads }) => threads > 0);
    const found = new Set<Pid>();
    const isInTree = (pid: Pid) => found.has(pid) || members.has(pid);
    // A child may stand before its parent.
    for (let before = -1; before < found.size; ) {
      before = found.size;
      for (const { pid, parent } of all) {
        const isBelow = isInTree(parent) && !(started(pid) < started(parent));
        if (!isInTree(pid) && (pid === root || isBelow)) found.add(pid);
      }
    }
    return [...found];
  }

  /** @returns whether all of them are members now */
  function admit(found: readonly Pid[]): boolean {
    for (const pid of found) {
      const known = open.get(pid);
      const handle = known ?? openToTerminate(pid);
      if (known !== undefined) members.set(pid, known);
      else if (handle !== undefined) open.set(pid, handle);
      else if (failed.has(pid)) refused.add(pid);
      else failed.add(pid);
    }
    return found.every((pid) => members.has(pid) || refused.has(pid));
  }

  const endMs = now() + LONGEST_MS;
  try {
    for (;;) {
      const found = find();
      const isComplete = admit(found);
      // One that starts others all the time is always new.
      if (!isComplete && ++snapshots < MOST_SNAPSHOTS) continue;
      snapshots = 0;
      const running = [...members.values()].filter((handle) => !isTerminated(handle));
      if (isComplete && running.length === 0) break;
      if (now() >= endMs) throw new Error(`killTree: processes below ${root} do not end`);
      running.forEach(terminate);
      await sleep(SNAPSHOT_EVERY_MS);
    }
  } finally {
    for (const handle of open.values()) closeHandle(handle);
  }
  if (refused.size > 0) throw new SystemError('OpenProcess', EPERM);
}
