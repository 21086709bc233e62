// What proc(5) says about processes, and a drawing of it.

import { readdirSync, readFileSync } from 'node:fs';

/**
 * @typedef {{ pid: number, name: string, state: string, ppid: number }} Process
 *   state: the letter that proc(5) gives it, Z for a zombie
 * @typedef {Map<number, Process>} ProcessTable
 */

/** @returns {ProcessTable} every process of this PID namespace */
export function readProcessTable() {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return byPid(pids.flatMap(readProcess));
}

function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may itself contain parentheses and spaces: it ends at the last one.
    const end = stat.lastIndexOf(')');
    const [state, ppid] = stat.slice(end + 2).split(' ');
    return [{ pid: Number(pid), name: stat.slice(stat.indexOf('(') + 1, end), state, ppid: Number(ppid) }];
  } catch {
    // Gone since the directory was read.
    return [];
  }
}

/** @returns {Process[]} its children and theirs, each one behind its parent */
export function descendants(table, ancestor) {
  return childrenOf(table, ancestor).flatMap((child) => [child, ...descendants(table, child.pid)]);
}

/** @returns {string[]} the lines of a tree of the given processes and their ancestors, and of nobody else */
export function drawTree(table, pids) {
  const shown = byPid(pids.flatMap((pid) => lineage(table, pid)));
  const roots = [...shown.values()].filter(({ ppid }) => !shown.has(ppid));
  return roots.flatMap((root) => drawBranch(shown, root));
}

/** The process, its parent, and so on up to PID 1. */
function lineage(table, pid) {
  const found = table.get(pid);
  return found === undefined ? [] : [found, ...lineage(table, found.ppid)];
}

function drawBranch(shown, { pid, name, state }) {
  const children = childrenOf(shown, pid);
  const below = children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    const [first, ...rest] = drawBranch(shown, child);
    return [(isLast ? '`- ' : '|- ') + first, ...rest.map((line) => (isLast ? '   ' : '|  ') + line)];
  });
  return [`${pid} ${name}${state === 'Z' ? '  Z zombie' : ''}`, ...below];
}

function childrenOf(table, parent) {
  return [...table.values()].filter(({ ppid }) => ppid === parent).sort((a, b) => a.pid - b.pid);
}

function byPid(processes) {
  return new Map(processes.map((found) => [found.pid, found]));
}
