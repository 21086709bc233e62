/** @typedef {{ pid: number, parent: number, name: string, state: string }} Drawn */

/**
 * @param {Iterable<Drawn>} processes
 * @param {number[]} pids
 * @returns {string[]} the lines of a tree of the processes with these pids and their ancestors, and of nobody else
 */
export function drawTree(processes, pids) {
  const byPid = new Map([...processes].map((found) => [found.pid, found]));
  const shown = new Map(pids.flatMap((pid) => lineage(byPid, pid)).map((found) => [found.pid, found]));
  const roots = [...shown.values()].filter(({ parent }) => !shown.has(parent));
  return roots.flatMap((root) => drawBranch(shown, root));
}

/** The process, its parent, and so on up to PID 1. */
function lineage(byPid, pid) {
  const found = byPid.get(pid);
  return found === undefined ? [] : [found, ...lineage(byPid, found.parent)];
}

function drawBranch(shown, { pid, name, state }) {
  const children = [...shown.values()].filter(({ parent }) => parent === pid).sort((a, b) => a.pid - b.pid);
  const below = children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    const [first, ...rest] = drawBranch(shown, child);
    return [(isLast ? '`- ' : '|- ') + first, ...rest.map((line) => (isLast ? '   ' : '|  ') + line)];
  });
  return [`${pid} ${name}${state === 'Z' ? '  Z zombie' : ''}`, ...below];
}
