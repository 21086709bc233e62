// What /proc says about the processes of an init. What is not known is NaN.
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf, procFile, statusField, threadsOf } from '../test/helpers/proc.mjs';
import { app, helpers } from './files.mjs';

/** Watches processes for a while. @returns their threads, and what all of these do in a minute */
export async function watchActivity(pids, windowMs) {
  const before = sum(pids.map(readActivity));
  await sleep(windowMs);
  const after = sum(pids.map(readActivity));
  const inAMinute = (metric) => ((after[metric] - before[metric]) * 60_000) / windowMs;
  return { threads: after.threads, wakeUps: inAMinute('wakeUps'), cpuMs: inAMinute('cpuMs') };
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

/** @returns pids of the namespace: those of init, and those of the sleeper or of the service that is its workload */
export function splitProcesses(initPid) {
  const pids = [initPid, ...descendantsOf(initPid).map(({ pid }) => pid)];
  const isWorkload = (pid) => {
    const [program, script] = procFile(pid, 'cmdline').split('\0');
    return program === helpers.sleepers || script === app('http.cjs');
  };
  return { init: pids.filter((pid) => !isWorkload(pid)), workload: pids.filter(isWorkload) };
}

/** @returns what several objects of numbers are together */
export function sum(list) {
  const total = {};
  for (const [key, value] of list.flatMap(Object.entries)) total[key] = (total[key] ?? 0) + value;
  return total;
}
