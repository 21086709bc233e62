import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { hasEnded, type ProcessInfo, readProcess, withDescendants } from './process-table.ts';
import { signalProcess } from './signal-process.ts';

const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGSTOP = signalNumber('SIGSTOP');

/** How often a tree that was asked to end is looked at: there is no event for the end of another's descendant. */
const LOOK_EVERY_MS = 20;

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
 * Below a subreaper or PID 1 in this process, orphans stay in sight. Elsewhere one whose parent ended before the first
 * look belongs to another tree by then.
 * @throws SystemError EPERM for a process of another user
 */
export async function killTree(pid: number, options: KillTreeOptions = {}): Promise<void> {
  const { signal = 'SIGTERM', graceMs = 2000 } = options;
  const root = readProcess(pid);
  if (root === undefined) return;
  let refusal: unknown;
  const send = (member: ProcessInfo, number: Signal) => {
    try {
      return signalProcess(member, number);
    } catch (error) {
      // The others are ended all the same; the error is for the end.
      refusal = error;
      return false;
    }
  };

  let members = stillRunning([root]);
  if (graceMs > 0) {
    const end = performance.now() + graceMs;
    for (const member of members) if (send(member, signalNumber(signal))) send(member, SIGCONT);
    while (members.length > 0 && performance.now() < end) {
      await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
      members = stillRunning(members);
    }
  }
  while (members.length > 0 && refusal === undefined) {
    for (const member of frozen(members, send)) send(member, SIGKILL);
    members = stillRunning(members);
    if (members.length > 0) await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
  if (refusal !== undefined) throw refusal;
}

/** Those of the processes that have not ended, and what runs below them by now. */
function stillRunning(members: readonly ProcessInfo[]): ProcessInfo[] {
  return withDescendants(members).filter((member) => !hasEnded(member));
}

/** Stops the tree from the top, look after look, until none is new: what is stopped forks no more. */
function frozen(
  members: readonly ProcessInfo[],
  send: (member: ProcessInfo, number: Signal) => boolean,
): ProcessInfo[] {
  let all = [...members];
  const stopped = new Set<string>();
  for (;;) {
    const fresh = all.filter(({ pid, startTime }) => !stopped.has(`${pid} ${startTime}`));
    if (fresh.length === 0) return all;
    for (const member of fresh) {
      send(member, SIGSTOP);
      stopped.add(`${member.pid} ${member.startTime}`);
    }
    all = stillRunning(all);
  }
}
