import { aPid, checkArgument, milliseconds, readOptions, rule } from '../arguments/check-arguments.ts';
import { koffi } from '../native/addon.ts';
import { SystemError } from '../native/system-error.ts';
import { now, sleep } from '../native/timers.ts';
import type { Errno, Signal } from '../native/types.ts';
import { SIGCONT, SIGKILL, SIGSTOP } from '../signals/numbers.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { hasEnded, identity, type ProcessInfo, readProcess, requireProc, walk } from './process-table.ts';
import { createPsTree } from './ps-tree.ts';
import { isShortage, keepReserve, withReserve } from './reserve.ts';
import { signalProcess, signalProcessOften } from './signal-process.ts';
import { descendantsOnWindows, terminateTree } from './windows.ts';

/** The interval between two snapshots of a tree that is ending: no event says when another's descendant ends. */
const SNAPSHOT_EVERY_MS = 20;
/** A snapshot of many processes takes long, so the caller's event loop gets this many times as long in between. */
const REST_PER_SNAPSHOT = 4;
/** Four are enough for a tree that forks while freeze stops it. */
const MOST_SNAPSHOTS = 5;
/** How often `killAtOnce` looks for what its last round has left. A tree that forks without end must not delay an exit. */
const MOST_ROUNDS = 10;
/** How often to freeze again a tree that has not stopped: a process in an uninterruptible sleep may never stop. */
const MOST_STOPS = 5;
/** How long descriptors may be short before it gives up, though it has one in reserve. */
const LONGEST_SHORTAGE_MS = 5000;

const EPERM = 1 as Errno;

export interface KillTreeOptions {
  /** The signal that asks the tree to end. Default SIGTERM. */
  readonly signal?: NodeJS.Signals;
  /** The time before SIGKILL, in milliseconds. 0 kills at once. Default 2000. */
  readonly graceMs?: number;
}

/**
 * Ends a process and all its descendants. Sends the signal (and SIGCONT, for stopped processes), then SIGKILL to those
 * that are left after the grace time. Resolves when all of them have ended; their parents, or the subreaper that adopts
 * them, still have to reap them. A new process that reuses one of their pids is never signalled.
 *
 * A process that the signal makes another one start, and leave behind as it ends, may have moved to another tree before
 * a snapshot shows it. `graceMs: 0` rules that out: it stops the whole tree first.
 * On Windows, which has no signals, it ends all of them at once. On other systems than Linux and Windows it asks ps(1).
 * @throws SystemError EPERM for a process of another user, after the others have ended
 * @throws TypeError for an argument that is not allowed, for the caller itself and for a process above it
 * @throws Error ERR_NO_PROC, before any signal, if /proc is not mounted, or shows another PID namespace
 * @throws Error ERR_NO_PS on systems that have neither /proc nor a ps(1): before any signal, or if it fails for two seconds
 * @throws Error there, if processes have not ended ten seconds after SIGKILL
 * @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read for five seconds
 */
export async function killTree(pid: number, options?: KillTreeOptions): Promise<void> {
  checkArgument('killTree', 'pid', pid, aPid);
  const { signal = 'SIGTERM', graceMs = 2000 } = readOptions('killTree', options, {
    signal: aSignalName,
    graceMs: milliseconds,
  });
  if (process.platform === 'win32') {
    refuseOwnTree(pid, [{ pid }, ...descendantsOnWindows(pid)]);
    return terminateTree(pid);
  }
  if (process.platform !== 'linux') return killTreeByPs(pid, signal, graceMs);
  requireProc('killTree');
  const giveBackReserve = keepReserve();
  try {
    await endTree(pid, signalNumber(signal), graceMs);
  } finally {
    giveBackReserve();
  }
}

async function endTree(pid: number, request: Signal, graceMs: number): Promise<void> {
  /** By identity: the processes that this one may not signal. It ends the others all the same, and throws the error then. */
  const refused = new Map<string, unknown>();
  const send = (member: ProcessInfo, ...signals: Signal[]) => {
    try {
      return signalProcessOften(member, (sendOne) => signals.every(sendOne));
    } catch (error) {
      if (isShortage(error)) throw error;
      refused.set(identity(member), error);
      return false;
    }
  };
  let lastSnapshotMs = 0;
  /** A snapshot: the processes that have not ended, and everything that runs below them now. */
  const stillRunning = (members: readonly ProcessInfo[]) => {
    const start = now();
    const found = runningNow(members).filter((member) => !refused.has(identity(member)));
    lastSnapshotMs = now() - start;
    return found;
  };

  const rest = () => sleep(Math.max(SNAPSHOT_EVERY_MS, REST_PER_SNAPSHOT * lastSnapshotMs));
  let shortageEndMs: number | undefined;
  /** @returns false if the step could not be finished for want of a descriptor: do it again after a rest */
  const attempt = (step: () => void) => {
    try {
      step();
      shortageEndMs = undefined;
      return true;
    } catch (error) {
      shortageEndMs ??= now() + LONGEST_SHORTAGE_MS;
      if (!isShortage(error) || now() >= shortageEndMs) throw error;
      return false;
    }
  };

  let members: ProcessInfo[] = [];
  const find = () => {
    const root = readProcess(pid);
    if (root === undefined) return;
    // What sends the signals is loaded on first use, from a file.
    withReserve(koffi);
    members = stillRunning([root]);
  };
  while (!attempt(find)) await rest();
  refuseOwnTree(pid, members);
  if (graceMs > 0) {
    const endMs = now() + graceMs;
    const unasked = [...members];
    const ask = () => {
      for (let member = unasked[0]; member !== undefined; member = unasked[0]) {
        send(member, request, SIGCONT);
        unasked.shift();
      }
      members = stillRunning(members);
    };
    attempt(ask);
    while (members.length > 0 && now() < endMs) {
      await rest();
      attempt(ask);
    }
  }
  const killed = new Set<string>();
  /** A killed process that has not ended yet does not fork any more either. */
  const isFrozen = (member: ProcessInfo) => isStopped(member) || killed.has(identity(member));
  for (let stops = 0; members.length > 0; stops++) {
    attempt(() => {
      members = freeze(members, stillRunning, send, isFrozen);
      if (!members.every(isFrozen) && stops < MOST_STOPS) return;
      for (const member of members) {
        if (!killed.has(identity(member))) send(member, SIGKILL);
        killed.add(identity(member));
      }
      members = stillRunning(members);
    });
    if (members.length > 0) await rest();
  }
  for (const error of refused.values()) throw error;
}

function refuseOwnTree(root: number, members: readonly { readonly pid: number }[]): void {
  if (members.every((member) => member.pid !== process.pid)) return;
  throw new TypeError(
    `killTree: ${root} is this process or one of its ancestors; pass the pid of a descendant`,
  );
}

/** Where there is no /proc. */
async function killTreeByPs(pid: number, request: NodeJS.Signals, graceMs: number): Promise<void> {
  const tree = createPsTree((each) => each.pid === pid);
  refuseOwnTree(pid, tree.snapshot());
  const left = await tree.end(graceMs, request);
  if (left.some(tree.isRefused)) throw new SystemError('kill', EPERM);
  if (left.length > 0)
    throw new Error(`killTree: ${left.map((each) => each.pid).join(', ')} cannot be killed`);
}

const aSignalName = rule(
  (value) => signalNumber(value as NodeJS.Signals) !== undefined,
  "the name of a signal, such as 'SIGTERM'",
);

/**
 * Stops processes from the top, snapshot after snapshot, until all are stopped and none is new: a stopped process does
 * not fork. A process that forks and ends over and over is always new, so the number of snapshots has a limit.
 * @param snapshot returns the processes that still run, and everything that runs below them now
 * @param isFrozen whether a process cannot fork
 * @returns the processes of the last snapshot
 */
function freeze(
  processes: readonly ProcessInfo[],
  snapshot: (processes: readonly ProcessInfo[]) => ProcessInfo[],
  send: (info: ProcessInfo, signal: Signal) => boolean,
  isFrozen = isStopped,
): ProcessInfo[] {
  let all = [...processes];
  const sent = new Set<string>();
  const isNew = (info: ProcessInfo) => !sent.has(identity(info));
  for (let snapshots = 0; snapshots < MOST_SNAPSHOTS; snapshots++) {
    for (const info of all.filter(isNew)) {
      send(info, SIGSTOP);
      sent.add(identity(info));
    }
    // A process in the middle of a fork finishes it before it stops: only a snapshot of a frozen tree is complete.
    const allFrozen = all.every(isFrozen);
    all = snapshot(all);
    if (allFrozen && !all.some(isNew)) break;
  }
  return all;
}

function isStopped({ state }: ProcessInfo): boolean {
  return state === 'T' || state === 't';
}

/**
 * Kills processes and all their descendants synchronously: for the exit of a process, which cannot await anything. It
 * throws nothing: nobody is left to tell. Keep a descriptor in reserve for it.
 * @param roots returns the processes at this instant; called again after each round
 */
export function killAtOnce(roots: () => readonly ProcessInfo[]): void {
  const killed = new Set<string>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    try {
      const fresh = runningNow(roots()).filter((info) => !killed.has(identity(info)));
      if (fresh.length === 0) return;
      for (const info of freeze(fresh, runningNow, send)) {
        send(info, SIGKILL);
        killed.add(identity(info));
      }
    } catch {
      // No descriptor is left, not even that in reserve. In the next round there may be one.
    }
  }
}

function runningNow(processes: readonly ProcessInfo[]): ProcessInfo[] {
  return [...walk(processes)].filter((info) => !hasEnded(info));
}

function send(info: ProcessInfo, signal: Signal): boolean {
  try {
    return signalProcess(info, signal);
  } catch (error) {
    if (isShortage(error)) throw error;
    // EPERM: another user's process stays.
    return false;
  }
}
