// A PID namespace with a command as its PID 1, and what /proc says about it from outside.

import { readFileSync } from 'node:fs';
import { descendantsOf, statusField } from '../../test/helpers/proc.mjs';

/**
 * @typedef {import('../../test/helpers/proc.mjs').ProcessStat & { hostPid: number }} Inside
 *   pid and parent: as the namespace knows them; hostPid: as this process does
 */

/** @returns {Map<number, Inside>} every process below unshare, by its pid in the namespace */
export function readNamespace(unsharePid) {
  const inside = descendantsOf(unsharePid)
    .map(readDetails)
    .filter(({ pid }) => pid > 0);
  const pids = new Map(inside.map(({ pid, hostPid }) => [hostPid, pid]));
  return new Map(inside.map((found) => [found.pid, { ...found, parent: pids.get(found.parent) ?? 0 }]));
}

function readDetails(stat) {
  // "4711 12": the last is that of the innermost namespace. proc_pid_status(5).
  const pid = Number(statusField(stat.pid, 'NSpid').split('\t').at(-1));
  return { ...stat, pid, hostPid: stat.pid, name: [stat.name, typeOf(stat.pid)].filter(Boolean).join(' ') };
}

/** All of Chromium's helpers have the same name; a zombie has no arguments any more. */
function typeOf(pid) {
  try {
    return /(?:^|[\0 ])--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1];
  } catch {
    // Gone since it was found.
    return undefined;
  }
}
