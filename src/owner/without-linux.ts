import type { ChildProcess } from 'node:child_process';
import { onExit } from '../in-process/on-exit.ts';

/** How often to look whether a tree has ended, while this process ends. */
const LOOK_EVERY_MS = 50;

/** For a tree that forks while it is being killed. */
const MOST_ROUNDS = 5;

/**
 * Where there is no init to hold: ends the child's tree when this process exits, or gets a signal that ends it; and with
 * `kill()`. It sees only processes whose parents are still there. On Windows, which has no ps(1), it ends the child alone.
 */
export function endWithThisProcess<Child extends ChildProcess>(child: Child, graceMs: number): Child {
  const send = child.kill.bind(child);
  /** What was asked to end, and may still run. After the grace time another process may have one of these pids. */
  let asked: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  const forget = onExit(() => {
    if (child.pid !== undefined) endNow([child.pid, ...asked], graceMs);
  });
  child.once('error', forget);
  child.once('exit', () => {
    if (timer === undefined) forget();
  });
  child.kill = (signal = 'SIGTERM') => {
    const tree = child.pid === undefined ? [] : running([child.pid]);
    const isSent = send(signal);
    if (!isSent || signal === 0) return isSent;
    signalAll(tree, signal);
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

/** Blocks until the tree has ended: after that there is nobody to end it. */
function endNow(roots: readonly number[], graceMs: number): void {
  let left = running(roots);
  signalAll(left, 'SIGTERM');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += LOOK_EVERY_MS) {
    Atomics.wait(cell, 0, 0, LOOK_EVERY_MS);
    left = running(left);
  }
  killAll(left);
}

/** A process may have started another one before its SIGKILL came. */
function killAll(roots: readonly number[]): void {
  let left = running(roots);
  for (let rounds = 0; left.length > 0 && rounds < MOST_ROUNDS; rounds++) {
    signalAll(left, 'SIGKILL');
    left = running(left);
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals | number): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ESRCH: it has just ended. EPERM: it is another user's.
    }
  }
}

/** Which of these processes have not ended, and everything below them. */
function running(roots: readonly number[]): number[] {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  const all = (stdout ?? '').split('\n').map((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), isZombie: state?.startsWith('Z') === true };
  });
  const found = new Set<number>();
  // A child may stand before its parent in the list.
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent, isZombie } of all) {
      if (!isZombie && (roots.includes(pid) || found.has(parent))) found.add(pid);
    }
  }
  return [...found];
}
