import type { ChildProcess } from 'node:child_process';
import { onExit } from '../in-process/on-exit.ts';

/** How often to look whether a tree has ended, while this process ends. */
const LOOK_EVERY_MS = 50;

/** For a tree that forks while it is being killed. */
const MOST_ROUNDS = 5;

/** How far apart ps(1) may say that the same process has started. */
const SAME_START_MS = 1000;

/** After the grace time another process may have its pid: then it has started later. */
interface Member {
  readonly pid: number;
  readonly startedMs: number;
}

/**
 * Where there is no init to hold: ends the child's tree when this process exits, or gets a signal that ends it; and with
 * `kill()`. It sees only processes whose parents are still there. On Windows, which has no ps(1), it ends the child alone.
 */
export function endWithThisProcess<Child extends ChildProcess>(child: Child, graceMs: number): Child {
  const send = child.kill.bind(child);
  /** What was asked to end, and may still run. */
  let asked: Member[] = [];
  let timer: NodeJS.Timeout | undefined;
  const forget = onExit(() => {
    endNow([...running(treeOf(child)), ...running(asked)], graceMs);
  });
  child.once('error', forget);
  child.once('exit', () => {
    if (timer === undefined) forget();
  });
  child.kill = (signal = 'SIGTERM') => {
    const tree = running(treeOf(child));
    const isSent = send(signal);
    if (!isSent || signal === 0) return isSent;
    signalAll(
      tree.filter(({ pid }) => pid !== child.pid),
      signal,
    );
    if (signal !== 'SIGTERM' || timer !== undefined) return isSent;
    asked = tree;
    timer = setTimeout(() => {
      killAll(asked);
      forget();
    }, graceMs).unref();
    return isSent;
  };
  return child;
}

/** The child, which keeps its pid until node has seen its end. */
function treeOf({ pid, exitCode, signalCode }: ChildProcess): Member[] {
  const isThere = pid !== undefined && exitCode === null && signalCode === null;
  return isThere ? [{ pid, startedMs: Number.NaN }] : [];
}

/** Blocks until the tree has ended: after that there is nobody to end it. */
function endNow(tree: readonly Member[], graceMs: number): void {
  let left = tree;
  signalAll(left, 'SIGTERM');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += LOOK_EVERY_MS) {
    Atomics.wait(cell, 0, 0, LOOK_EVERY_MS);
    left = running(left);
  }
  killAll(left);
}

/** A process may have started another one before its SIGKILL came. */
function killAll(roots: readonly Member[]): void {
  let left = running(roots);
  for (let rounds = 0; left.length > 0 && rounds < MOST_ROUNDS; rounds++) {
    signalAll(left, 'SIGKILL');
    left = running(left);
  }
}

function signalAll(members: readonly Member[], sent: NodeJS.Signals | number): void {
  for (const member of members) signal(member, sent);
}

/** @returns false if it has just ended, or is another user's */
function signal({ pid }: Member, sent: NodeJS.Signals | number): boolean {
  try {
    return process.kill(pid, sent);
  } catch {
    return false;
  }
}

/** Which of these processes have not ended, and everything below them. */
function running(roots: readonly Member[]): Member[] {
  if (roots.length === 0) return [];
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const env = { ...process.env, LC_ALL: 'C' };
  const ps = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8', env });
  if (ps.error !== undefined) return roots.filter((root) => signal(root, 0));
  const all = ps.stdout.split('\n').map((line) => {
    const [pid, parent, state, ...started] = line.trim().split(/\s+/);
    const startedMs = Date.parse(started.join(' '));
    return { pid: Number(pid), parent: Number(parent), startedMs, isZombie: state?.startsWith('Z') === true };
  });
  const found = new Map<number, Member>();
  // A child may stand before its parent in the list.
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const member of all) {
      const { pid, parent, isZombie } = member;
      const isRoot = roots.some((root) => root.pid === pid && !startsApart(root, member));
      if (!isZombie && (isRoot || found.has(parent))) found.set(pid, member);
    }
  }
  return [...found.values()];
}

/** NaN: nobody has asked ps(1) yet. */
function startsApart(one: Member, other: Member): boolean {
  return Math.abs(one.startedMs - other.startedMs) > SAME_START_MS;
}
