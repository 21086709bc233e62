// A PID namespace with a command as its PID 1, and what /proc says about it from outside.

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { descendants, readProcessTable } from '../hung-workers/process-table.mjs';

export const namespaceOptions = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
];

/**
 * @typedef {import('../hung-workers/process-table.mjs').Process} Process
 * @typedef {Process & { hostPid: number, started: number }} Inside
 *   pid and ppid: as the namespace knows them; hostPid: as this process does; started: in ticks since boot
 */

/** @returns {string | undefined} why no PID namespace can be made, if none can */
export function namespaceObstacle() {
  const { error, status, stderr } = spawnSync('unshare', [...namespaceOptions, 'true'], { encoding: 'utf8' });
  if (error?.code === 'ENOENT') return 'unshare (util-linux) is not in PATH';
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  return stderr.split('\n')[0].replace(/^unshare: /, '') || `unshare ended with ${status}`;
}

/** @returns {import('node:child_process').ChildProcess} unshare: its only child is PID 1, and dies with it */
export function startInNamespace(command, options) {
  return spawn('unshare', [...namespaceOptions, ...command], {
    ...options,
    // Ctrl-C reaches this process alone, which then ends the namespace.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
  });
}

/** @returns {Map<number, Inside>} every process below unshare, by its pid in the namespace */
export function readNamespace(unsharePid) {
  const inside = descendants(readProcessTable(), unsharePid).flatMap(readDetails);
  const pids = new Map(inside.map(({ pid, hostPid }) => [hostPid, pid]));
  return new Map(inside.map((found) => [found.pid, { ...found, ppid: pids.get(found.ppid) ?? 0 }]));
}

function readDetails({ pid: hostPid, name, state, ppid }) {
  try {
    // "NSpid: 4711 12": the last is that of the innermost namespace. proc_pid_status(5).
    const pid = Number(/^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${hostPid}/status`, 'utf8'))[1]);
    const stat = readFileSync(`/proc/${hostPid}/stat`, 'utf8');
    const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    // All of Chromium's helpers have the same name; a zombie has no arguments any more.
    const type = /(?:^|[\0 ])--type=([\w-]+)/.exec(readFileSync(`/proc/${hostPid}/cmdline`, 'utf8'))?.[1];
    return [{ pid, hostPid, name: type === undefined ? name : `${name} ${type}`, state, ppid, started }];
  } catch {
    // Gone since the table was read.
    return [];
  }
}
