import { readFileSync } from 'node:fs';
import { msPerTick, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';

const stateNames: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'in an uninterruptible sleep',
  T: 'stopped',
  t: 'traced',
  Z: 'zombie',
  X: 'dead',
  I: 'idle',
};

/** The state in words: proc_pid_stat(5). */
export function stateName({ state }: ProcessInfo): string {
  return stateNames[state] ?? state;
}

/** The arguments, as one line; the name in brackets for a process that has none, as ps(1) does: a zombie say. */
export function commandLine({ pid, name }: ProcessInfo): string {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .replace(/\0$/, '')
      .replaceAll(/[\0\s]+/g, ' ');
    if (line !== '') return line;
  } catch {
    // It ended between the two looks.
  }
  return `[${name}]`;
}

/** How long it has been running: its start and this process's own are ticks of one clock. */
export function ageMs({ startTime }: ProcessInfo): number {
  const own = readProcess(process.pid) as ProcessInfo;
  return Math.max(0, Math.round(process.uptime() * 1000 + (own.startTime - startTime) * msPerTick));
}
