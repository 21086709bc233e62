// What /proc and strace say about the processes of an init. What is unknown is NaN.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { procFile, statusField, threadsOf, until } from '../test/helpers/proc.mjs';
import { freshPath } from './files.mjs';

/** By then a process has done what strace's attaching makes it do. */
const ATTACH_MS = 1000;

/** Watches processes for a while. @returns their threads, and what all of these do in a minute */
export async function watchActivity(pids, windowMs) {
  const before = sum(pids.map(readActivity));
  await sleep(windowMs);
  const after = sum(pids.map(readActivity));
  const inAMinute = (metric) => ((after[metric] - before[metric]) * 60_000) / windowMs;
  return { threads: after.threads, wakeUps: inAMinute('wakeUps'), cpuMs: inAMinute('cpuMs') };
}

/** Resolves when a process has done what its start, a signal or a death makes it do; after 10 s at the latest. */
export async function comesToRest(pid) {
  for (let tries = 0; tries < 33; tries++) {
    const { cpuMs } = await watchActivity([pid], 300);
    if (cpuMs === 0) return;
  }
}

/** @returns what all threads of a process did so far: numbers that only grow */
function readActivity(pid) {
  return sum(
    threadsOf(pid).map((thread) => ({
      threads: 1,
      wakeUps: Number.parseInt(statusField(thread, 'voluntary_ctxt_switches'), 10),
      cpuMs: Number.parseInt(procFile(thread, 'schedstat'), 10) / 1e6,
    })),
  );
}

/** @returns MiB, from /proc/PID/smaps_rollup. Proportional: each page divided by the number of processes that map it */
export function readMemory(pid) {
  const [resident, proportional, anonymous] = ['Rss', 'Pss', 'Anonymous'].map(
    (field) => Number.parseInt(statusField(pid, field, 'smaps_rollup'), 10) / 1024,
  );
  return { resident, proportional, anonymous, file: resident - anonymous };
}

/** @returns the sums of several objects of numbers */
export function sum(list) {
  const total = {};
  for (const [key, value] of list.flatMap(Object.entries)) total[key] = (total[key] ?? 0) + value;
  return total;
}

/**
 * @returns how many system calls processes make during `run`, by strace's log: its own count includes what attaching and
 *   detaching cause
 */
export async function countSystemCalls(pids, run) {
  const log = freshPath();
  const strace = spawn('strace', ['-f', '-ttt', '-o', log, '-p', pids.join(',')], { stdio: 'ignore' });
  // An error says that there is no strace: then it never attaches.
  const closed = once(strace, 'close').catch(() => {});
  const isTraced = (pid) => threadsOf(pid).every((thread) => statusField(thread, 'TracerPid') !== '0');
  await until(() => pids.every(isTraced), 'strace has attached', 10_000);
  await sleep(ATTACH_MS);
  const from = Date.now() / 1000;
  await run();
  const to = Date.now() / 1000;
  strace.kill('SIGKILL');
  await closed;
  const times = readFileSync(log, 'latin1')
    .split('\n')
    .map((line) => Number(/^\d+ +(\d+\.\d+) \w+\(/.exec(line)?.[1]));
  return times.filter((time) => time >= from && time <= to).length;
}
