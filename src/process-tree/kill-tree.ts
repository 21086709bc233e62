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

/** How often a tree that was asked to end is looked at: there is no event for the end of another's descendant. */
const SNAPSHOT_EVERY_MS = 20;
/** A snapshot at many processes takes long: the caller's event loop gets this many times as long in between. */
const REST_PER_SNAPSHOT = 4;
/** Four are enough for a tree that forks while it is being stopped. */
const MOST_SNAPSHOTS = 5;
/** How often a tree that does not stand by then is stopped again: what sleeps uninterruptibly may never stop. */
const MOST_STOPS = 5;

export interface KillTreeOptions {
  /** What the tree is asked to end with. Default SIGTERM. */
  readonly signal?: NodeJS.Signals;
  /** How long it gets before SIGKILL, in milliseconds. 0 kills at once. Default 2000. */
  readonly graceMs?: number;
}

/**
 * Ends a process and all its descendants: the signal (and SIGCONT, for those that are stopped), then SIGKILL for what
 * is left after the grace time. Resolves when every one of them has ended; their parents, or the subreaper that
 * adopts them, still have to wait for them. A process that gets a pid of theirs afterwards is never signalled.
 *
 * What a process of the tree starts in answer to the signal, and leaves behind as it ends, may belong to another tree
 * before it is seen. With `graceMs: 0` nothing can: the whole tree is stopped first.
 * @throws SystemError EPERM for a process of another user, once the others have ended
 * @throws TypeError for an unknown signal, for the caller itself and for a process above it
 */
export async function killTree(pid: number, options: KillTreeOptions = {}): Promise<void> {
  const { signal = 'SIGTERM', graceMs = 2000 } = options;
  const number = signalNumber(signal);
  if (number === undefined)
    throw new TypeError(`killTree: there is no signal '${signal}'; SIGTERM, for instance`);
  const root = readProcess(pid);
  if (root === undefined) return;
  /** Those that may not be signalled: the others are ended all the same, and the error is for the end. */
  const refused: ProcessInfo[] = [];
  let refusal: unknown;
  const send = (member: ProcessInfo, number: Signal) => {
    try {
      return signalProcess(member, number);
    } catch (error) {
      refused.push(member);
      refusal = error;
      return false;
    }
  };
  /** Those of the processes that have not ended, and what runs below them by now. */
  let lastSnapshotMs = 0;
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
    for (const member of members) if (send(member, number)) send(member, SIGCONT);
    members = stillRunning(members);
    while (members.length > 0 && now() < end) {
      await rest();
      members = stillRunning(members);
    }
  }
  const killed = new Set<string>();
  /** What was killed and has not ended yet forks no more either. */
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

/**
 * Stops processes from the top, snapshot after snapshot, until all stand and none is new: what is stopped forks no more. Some
 * are new for ever (a process that forks and ends, over and over), so the snapshots have a limit.
 * @param isFrozen whether a process cannot fork
 * @param snapshot those of the processes that run, and what runs below them by now
 * @returns all that the last snapshot met
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
    // What was in the middle of a fork forks before it stops: only a snapshot at a tree that isFrozen shows all of it.
    const allFrozen = all.every(isFrozen);
    all = snapshot(all);
    if (allFrozen && !all.some(isNew)) break;
  }
  return all;
}

function isStopped({ state }: ProcessInfo): boolean {
  return state === 'T' || state === 't';
}
