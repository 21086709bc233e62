import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { freeze } from './kill-tree.ts';
import { hasEnded, identity, type ProcessInfo, withDescendants } from './process-table.ts';
import { signalProcess } from './signal-process.ts';

const SIGKILL = signalNumber('SIGKILL');
/** Each round kills the orphans of the last one. A limit, since a tree that forks without end must not delay an exit. */
const MOST_ROUNDS = 10;

/**
 * Kills processes and all their descendants synchronously: for the exit of a process, which cannot await anything.
 * @param roots returns the processes at this instant; called again after each round
 */
export function killAtOnce(roots: () => readonly ProcessInfo[]): void {
  const killed = new Set<string>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const fresh = stillRunning(roots()).filter((info) => !killed.has(identity(info)));
    if (fresh.length === 0) return;
    for (const info of freeze(fresh, stillRunning, send)) {
      send(info, SIGKILL);
      killed.add(identity(info));
    }
  }
}

function stillRunning(processes: readonly ProcessInfo[]): ProcessInfo[] {
  return withDescendants(processes).filter((info) => !hasEnded(info));
}

function send(info: ProcessInfo, signal: Signal): boolean {
  try {
    return signalProcess(info, signal);
  } catch {
    // EPERM: another user's process stays. This process exits, so nobody is left to tell.
    return false;
  }
}
