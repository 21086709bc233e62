import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { hasEnded, isSameProcess, type ProcessInfo, readProcess, withDescendants } from './process-table.ts';
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
 * @throws SystemError EPERM for a process of another user, once the others have ended
 * @throws TypeError for an unknown signal
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
  const send: Send = (member, number) => {
    try {
      return signalProcess(member, number);
    } catch (error) {
      refused.push(member);
      refusal = error;
      return false;
    }
  };
  /** Those of the processes that have not ended, and what runs below them by now. */
  const stillRunning = (members: readonly ProcessInfo[]) =>
    withDescendants(members).filter(
      (member) => !hasEnded(member) && !refused.some((other) => isSameProcess(other, member)),
    );

  let members = stillRunning([root]);
  if (graceMs > 0) {
    const end = performance.now() + graceMs;
    for (const member of members) if (send(member, number)) send(member, SIGCONT);
    members = stillRunning(members);
    while (members.length > 0 && performance.now() < end) {
      await sleep(LOOK_EVERY_MS);
      members = stillRunning(members);
    }
  }
  while (members.length > 0) {
    for (const member of frozen(members, stillRunning, send)) send(member, SIGKILL);
    members = stillRunning(members);
    if (members.length > 0) await sleep(LOOK_EVERY_MS);
  }
  if (refusal !== undefined) throw refusal;
}

type Send = (member: ProcessInfo, number: Signal) => boolean;

function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}

/** Stops the tree from the top, look after look, until none is new: what is stopped forks no more. */
function frozen(
  members: readonly ProcessInfo[],
  stillRunning: (members: readonly ProcessInfo[]) => ProcessInfo[],
  send: Send,
): readonly ProcessInfo[] {
  let all = members;
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
