// What /proc says about the processes of an init.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from '../test/helpers/proc.mjs';

/** Watches processes for a while. @returns their threads, and what all of these do in a minute */
export async function watchActivity(pids, windowMs) {
  const before = sum(pids.map(readActivity));
  await sleep(windowMs);
  const after = sum(pids.map(readActivity));
  const inAMinute = (metric) => ((after[metric] - before[metric]) * 60_000) / windowMs;
  return { threads: after.threads, wakeUps: inAMinute('wakeUps'), cpuMs: inAMinute('cpuMs') };
}

/** @returns what all threads of a process did so far: numbers that only grow */
export function readActivity(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return sum(
    tasks.map((task) => {
      const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1');
      const schedule = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1');
      const wakeUps = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
      return { threads: 1, wakeUps, cpuMs: Number(schedule.split(' ')[0]) / 1e6 };
    }),
  );
}

/** @returns MiB, from /proc/PID/smaps_rollup. Proportional: each page divided by the number of processes that map it */
export function readMemory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const mib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024;
  const [resident, proportional, anonymous] = [mib('Rss'), mib('Pss'), mib('Anonymous')];
  return { resident, proportional, anonymous, file: resident - anonymous };
}

/**
 * The workload is what was started by its whole path, and inits start node by its name: all else is init's.
 * @returns pids of the namespace, those of init and those of the workload
 */
export function splitProcesses(initPid, program) {
  const pids = [initPid, ...descendantsOf(initPid).map(({ pid }) => pid)];
  const isWorkload = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] === program;
  return { init: pids.filter((pid) => !isWorkload(pid)), workload: pids.filter(isWorkload) };
}

/** @returns what several objects of numbers are together */
export function sum(list) {
  const total = {};
  for (const [key, value] of list.flatMap(Object.entries)) total[key] = (total[key] ?? 0) + value;
  return total;
}
