// What /proc and strace say about the processes of an init. What is unknown is NaN.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { procFile, statusField, threadsOf, until } from '../test/helpers/proc.mjs';
import { freshPath } from './files.mjs';

/** The sum of the numbers that texts begin with. */
const sum = (ids, read) => ids.reduce((total, id) => total + Number.parseInt(read(id), 10), 0);

/** @returns the threads of processes, and what these did so far: numbers that only grow */
export function readActivity(pids) {
  const threads = pids.flatMap(threadsOf);
  const wakeUps = sum(threads, (thread) => statusField(thread, 'voluntary_ctxt_switches'));
  return { threads: threads.length, wakeUps, cpuMs: sum(threads, (id) => procFile(id, 'schedstat')) / 1e6 };
}

/** @returns MiB, from a field of smaps_rollup. Pss divides each page by the number of processes that map it */
export function readMemory(pids, field) {
  return sum(pids, (pid) => statusField(pid, field, 'smaps_rollup')) / 1024;
}

/** Resolves when a process has done what its start, a signal or a death makes it do; after 10 s at the latest. */
export async function comesToRest(pid) {
  for (let tries = 0; tries < 33; tries++) {
    const before = readActivity([pid]);
    await sleep(300);
    if (readActivity([pid]).cpuMs === before.cpuMs) return;
  }
}

/** @returns the system calls of processes during `run`, from strace's log: its own count includes attaching */
export async function countSystemCalls(pids, run) {
  const log = freshPath();
  const strace = spawn('strace', ['-f', '-o', log, '-p', pids.join(',')], { stdio: 'ignore' });
  // An error says that there is no strace: then it never attaches.
  const closed = once(strace, 'close').catch(() => {});
  const isTraced = (thread) => statusField(thread, 'TracerPid') !== '0';
  await until(() => pids.flatMap(threadsOf).every(isTraced), 'strace has attached', 10_000);
  // By then they have done what attaching makes them do.
  await sleep(1000);
  const countSoFar = () => readFileSync(log, 'latin1').match(/^\d+ +\w+\(/gm)?.length ?? 0;
  const before = countSoFar();
  await run();
  const count = countSoFar() - before;
  strace.kill('SIGKILL');
  await closed;
  return count;
}
