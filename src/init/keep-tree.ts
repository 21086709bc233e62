import type { ChildProcess } from 'node:child_process';
import type { Log } from '../log/log.ts';
import { attempt } from '../native/attempt.ts';
import { leadNewSession } from '../native/process.ts';
import { clearTimeout, now, setTimeout } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createPsTree } from '../process-tree/ps-tree.ts';
import { KILL_TREE } from '../signals/numbers.ts';
import { signalNumber } from '../signals/signal-names.ts';
import type { InitOptions } from './options.ts';

/** How often to ask for the parent: no event says that it has ended, and getppid(2) then names another. */
export const OWNER_CHECK_MS = 200;
/** How often to take a snapshot while the tree runs, and how long to rest for each millisecond of one. */
const SNAPSHOT_EVERY_MS = 1000;
const REST_PER_SNAPSHOT = 20;

/** The workload's tree on a system without subreapers and /proc: macOS. */
export interface KeptTree {
  /** Passes a signal on, to the workload or to the tree. */
  signal(signal: Signal): void;
  /** The workload has ended. Resolves when what it has left has ended too. */
  endRest(): Promise<void>;
}

/** @param mark what only this tree has in its environment */
export function keepTree(
  workload: ChildProcess,
  mark: string,
  owner: Pid,
  { graceMs, scope, untilOwner }: InitOptions,
  log: Log,
): KeptTree {
  // Its pid may be another one's, once node has waited for it.
  const tree = createPsTree(({ pid, parent }) => pid === workload.pid && parent === process.pid, mark);
  let ending: Promise<void> | undefined;
  let isKilled = false;

  async function end(ownGraceMs: number): Promise<void> {
    try {
      const left = await tree.end(ownGraceMs);
      if (left.length > 0) log('warn', `processes are left: ${left.map(({ pid }) => pid).join(' ')}`);
    } catch (error) {
      log('warn', `what is left cannot be found, ${(error as Error).message}`);
      workload.kill('SIGKILL');
    }
  }

  // A SIGKILL for the owner's whole group is not to reach this process. Without koffi it does.
  if (untilOwner) attempt(leadNewSession);
  const watch =
    untilOwner &&
    setInterval(() => {
      if (process.ppid !== owner) ending ??= end(graceMs);
    }, OWNER_CHECK_MS);
  let next: NodeJS.Timeout;
  const takeSnapshot = () => {
    const start = now();
    // The next one may succeed, and a mark is found without any.
    attempt(tree.snapshot);
    next = setTimeout(takeSnapshot, Math.max(SNAPSHOT_EVERY_MS, REST_PER_SNAPSHOT * (now() - start)));
  };
  takeSnapshot();

  return {
    signal(signal) {
      if (isKilled) return;
      if (untilOwner && signal === signalNumber(KILL_TREE)) {
        // spawnBound sends a SIGCONT behind it, for a stopped init.
        isKilled = true;
        ending = end(0);
      } else if (scope !== 'tree') workload.kill(signal);
      else if (attempt(() => tree.signal(signal)) !== undefined) workload.kill(signal);
    },
    async endRest() {
      if (watch) clearInterval(watch);
      clearTimeout(next);
      const hadGrace = ending !== undefined;
      await ending;
      await end(hadGrace ? 0 : graceMs);
    },
  };
}
