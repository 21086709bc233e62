// What proc(5) says about processes, and a drawing of it.

import { readdirSync, readFileSync } from 'node:fs';

/**
 * @typedef {{ pid: number, name: string, state: string, ppid: number }} Process  state: one letter, Z is a zombie
 * @returns {Map<number, Process>} every process of this PID namespace
 */
export function readProcessTable() {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return new Map(pids.flatMap((pid) => readProcess(Number(pid))).map((process) => [process.pid, process]));
}

function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may itself contain parentheses and spaces: it ends at the last one.
    const end = stat.lastIndexOf(')');
    const [state, ppid] = stat.slice(end + 2).split(' ');
    return [{ pid, name: stat.slice(stat.indexOf('(') + 1, end), state, ppid: Number(ppid) }];
  } catch {
    // Gone since the directory was read.
    return [];
  }
}

export function descendants(table, ancestor) {
  return childrenOf(table, ancestor).flatMap((child) => [child, ...descendants(table, child.pid)]);
}

function childrenOf(table, ppid) {
  return [...table.values()].filter((process) => process.ppid === ppid).sort((a, b) => a.pid - b.pid);
}

/** @returns {string[]} the lines of a tree of the given processes and all their ancestors, and of nothing else */
export function drawTree(table, pids) {
  const shown = new Map(pids.flatMap((pid) => lineage(table, pid)).map((process) => [process.pid, process]));
  const roots = [...shown.values()].filter(({ ppid }) => !shown.has(ppid));
  return roots.flatMap((root) => drawBranch(shown, root));
}

/** The process, its parent, and so on up to PID 1. */
function lineage(table, pid) {
  const process = table.get(pid);
  return process === undefined ? [] : [process, ...lineage(table, process.ppid)];
}

function drawBranch(shown, process) {
  const children = childrenOf(shown, process.pid);
  const below = children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    const [first, ...rest] = drawBranch(shown, child);
    return [(isLast ? '`- ' : '|- ') + first, ...rest.map((line) => (isLast ? '   ' : '|  ') + line)];
  });
  return [`${process.pid} ${process.name}${process.state === 'Z' ? '  Z zombie' : ''}`, ...below];
}
