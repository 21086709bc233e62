import { aPid, checkArgument, checkOptions, milliseconds, rule } from '../arguments/check-arguments.ts';
import { now, sleep } from '../native/timers.ts';
import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import {
  hasEnded,
  identity,
  isSameProcess,
  type ProcessInfo,
  readProcess,
  withDescendants,
} from './process-table.ts';
import { signalProcess } from './signal-process.ts';

const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGSTOP = signalNumber('SIGSTOP');

/** The interval between two snapshots of a tree that is ending: no event says when another's descendant ends. */
const SNAPSHOT_EVERY_MS = 20;
/** A snapshot of many processes takes long, so the caller's event loop gets this many times as long in between. */
const REST_PER_SNAPSHOT = 4;
/** Four are enough for a tree that forks while freeze stops it. */
const MOST_SNAPSHOTS = 5;
/** How often to freeze again a tree that has not stopped: a process in an uninterruptible sleep may never stop. */
const MOST_STOPS = 5;

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
 * @throws SystemError EPERM for a process of another user, after the others have ended
 * @throws TypeError for an argument that is not allowed, for the caller itself and for a process above it
 */
export async function killTree(pid: number, options: KillTreeOptions = {}): Promise<void> {
  checkArgument('killTree', 'pid', pid, aPid);
  checkOptions('killTree', options, { signal: aSignalName, graceMs: milliseconds });
  const { signal = 'SIGTERM', graceMs = 2000 } = options;
  const request = signalNumber(signal);
  const root = readProcess(pid);
  if (root === undefined) return;
  /** Processes that this one may not signal. It ends the others all the same, and throws the error at the end. */
  const refused: ProcessInfo[] = [];
  let refusal: unknown;
  const send = (member: ProcessInfo, sent: Signal) => {
    try {
      return signalProcess(member, sent);
    } catch (error) {
      refused.push(member);
      refusal = error;
      return false;
    }
  };
  let lastSnapshotMs = 0;
  /** A snapshot: the processes that have not ended, and everything that runs below them now. */
  const stillRunning = (members: readonly ProcessInfo[]) => {
    const start = now();
    const found = withDescendants(members).filter(
      (member) => !hasEnded(member) && !refused.some((other) => isSameProcess(other, member)),
    );
    lastSnapshotMs = now() - start;
    return found;
  };

  const rest = () => sleep(Math.max(SNAPSHOT_EVERY_MS, REST_PER_SNAPSHOT * lastSnapshotMs));

  let members = stillRunning([root]);
  if (members.some((member) => member.pid === process.pid)) {
    throw new TypeError(`killTree: ${pid} is this process or one above it; take a process below`);
  }
  if (graceMs > 0) {
    const end = now() + graceMs;
    for (const member of members) if (send(member, request)) send(member, SIGCONT);
    members = stillRunning(members);
    while (members.length > 0 && now() < end) {
      await rest();
      members = stillRunning(members);
    }
  }
  const killed = new Set<string>();
  /** A killed process that has not ended yet does not fork any more either. */
  const isFrozen = (member: ProcessInfo) => isStopped(member) || killed.has(identity(member));
  for (let stops = 0; members.length > 0; stops++) {
    members = freeze(members, stillRunning, send, isFrozen);
    if (members.every(isFrozen) || stops >= MOST_STOPS) {
      for (const member of members) {
        if (!killed.has(identity(member))) send(member, SIGKILL);
        killed.add(identity(member));
      }
      members = stillRunning(members);
    }
    if (members.length > 0) await rest();
  }
  if (refusal !== undefined) throw refusal;
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
export function freeze(
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
