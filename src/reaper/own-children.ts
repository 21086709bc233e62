import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Pid } from '../native/types.ts';

/** Every ChildProcess that node makes is published here, before it is spawned: diagnostics_channel. */
const CHANNEL = 'child_process';

/** How many children may be remembered before those that have ended are forgotten. */
const MOST_UNSETTLED = 64;

export interface OwnChildren {
  /** Whether libuv is going to wait for this child, and node to emit its 'exit'. */
  has(pid: Pid): boolean;
  stop(): void;
}

/**
 * Knows which children are the app's own, whatever it started them with: spawn, exec, execFile, fork and node:cluster
 * all make a ChildProcess. Those of spawnSync and its like have ended before anything else runs.
 * @param earlier the children that libuv had before this began; they are asked for again when one of them ends
 * @param stillRunning the children that libuv has now
 */
export function trackOwnChildren(earlier: readonly Pid[], stillRunning: () => readonly Pid[]): OwnChildren {
  const unknown = new Set(earlier);
  const running = new Map<Pid, ChildProcess>();
  /** Not spawned yet, when last looked at. Weak: some never are, and say so to nobody (a spawn that throws). */
  let fresh: WeakRef<ChildProcess>[] = [];
  let settleAt = MOST_UNSETTLED;
  let sweepAt = MOST_UNSETTLED;

  const onChildProcess = (message: unknown) => {
    fresh.push(new WeakRef((message as { process: ChildProcess }).process));
    // Nobody may ever ask: libuv waits for them all. Where most are never spawned, the next time comes later.
    if (fresh.length >= settleAt) settleFresh();
  };
  subscribe(CHANNEL, onChildProcess);

  function settleFresh(): void {
    const settling = fresh;
    fresh = [];
    for (const reference of settling) {
      const child = reference.deref();
      if (child === undefined || hasExited(child)) continue;
      if (child.pid === undefined) fresh.push(reference);
      else running.set(child.pid as Pid, child);
    }
    settleAt = MOST_UNSETTLED + 2 * fresh.length;
    if (running.size < sweepAt) return;
    for (const [pid, child] of running) if (hasExited(child)) running.delete(pid);
    sweepAt = MOST_UNSETTLED + 2 * running.size;
  }

  return {
    has(pid) {
      if (fresh.length > 0) settleFresh();
      const child = running.get(pid);
      if (child !== undefined) {
        if (!hasExited(child)) return true;
        // libuv has waited for that one: this is another process, which got its pid.
        running.delete(pid);
      }
      if (!unknown.has(pid)) return false;
      if (stillRunning().includes(pid)) return true;
      unknown.delete(pid);
      return false;
    },
    stop() {
      unsubscribe(CHANNEL, onChildProcess);
    },
  };
}

/** node sets one of the two as soon as libuv has waited for the child; a spawn that failed has a negative code. */
function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
