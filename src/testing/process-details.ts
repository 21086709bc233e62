import { readFileSync } from 'node:fs';
import { printable, printableName } from '../process-tree/printable-name.ts';
import { msPerTick, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';

/** The arguments on one line. For a process without any, a zombie say, the name in brackets, as ps(1) shows it. */
export function commandLine({ pid, name }: ProcessInfo): string {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .replace(/\0$/, '')
      .replaceAll(/[\0\s]+/g, ' ');
    if (line !== '') return printable(line);
  } catch {
    // It ended after the snapshot.
  }
  return `[${printableName(name)}]`;
}

/** The age of a process. Its start time and this process's own are ticks of the same clock. */
export function ageMs({ startTime }: ProcessInfo): number {
  const own = readProcess(process.pid) as ProcessInfo;
  return Math.max(0, Math.round(process.uptime() * 1000 + (own.startTime - startTime) * msPerTick));
}
