import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../helpers/proc.mjs';

export const app = (name) => resolve(import.meta.dirname, 'apps', name);
export const node = process.execPath;

/** How many processes a tree has in so many generations: each starts two others, one of them detached. */
export const sizeOf = (generations) => 2 ** generations - 1;

/**
 * Watches trees: each member (apps/member.cjs) has a file of its name, with its pid. A connection, and the end of it, would be
 * an event, but wine 8.0 loses one now and then.
 */
export function watchTrees() {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  const pidOf = (name) => Number(readFileSync(join(folder, name), 'utf8'));
  const namesOf = (prefix) => readdirSync(folder).filter((name) => name.startsWith(prefix));
  /** The names of those that have ended: another process may have such a pid by now. */
  const over = new Set();
  const isOver = (name) => {
    if (hasEnded(pidOf(name))) over.add(name);
    return over.has(name);
  };
  return {
    pidOf,
    /** The arguments of node for the root of a tree. Its own name is the prefix of all. */
    tree: (prefix, generations) => [app('member.cjs'), folder, prefix, String(generations)],
    /** @returns their pids, once so many run */
    running: (prefix, count) =>
      until(() => {
        const pids = namesOf(prefix).map(pidOf);
        return pids.length === count && pids;
      }, `${count} processes of ${prefix} run`),
    /** @returns how many they were, once all have ended that have said their name */
    async ended(prefix) {
      await until(
        () => namesOf(prefix).every((name) => over.has(name) || isOver(name)),
        `${prefix} has ended`,
      );
      return namesOf(prefix).length;
    },
    forget: () => rmSync(folder, { recursive: true }),
  };
}

/** To Windows, signal 0 is a question. */
function hasEnded(pid) {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
