import { readdirSync, readFileSync } from 'node:fs';

/** A process as /proc/pid/stat shows it: proc(5). */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** R, S, D, T (stopped), Z (zombie), … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The foreground process group of its terminal, -1 without one. */
  readonly foreground: number;
}

/** Undefined once the process is gone. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const [, name = '', state = '', parent, group, session, foreground] =
    /\((.*)\) (\S) (\d+) (\d+) (\d+) \d+ (-?\d+)/s.exec(text) ?? [];
  return {
    pid,
    name,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    foreground: Number(foreground),
  };
}

/** A field of /proc/pid/status, the empty string once the process is gone. */
export function statusField(pid: number, field: string): string {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  } catch {
    return '';
  }
}

export function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => processStat(Number(entry)))
    .filter((stat) => stat !== undefined);
}

export function childrenOf(pid: number): ProcessStat[] {
  return allProcesses().filter(({ parent }) => parent === pid);
}

export function descendantsOf(pid: number): ProcessStat[] {
  const all = allProcesses();
  const below = (parent: number): ProcessStat[] =>
    all.filter((stat) => stat.parent === parent).flatMap((stat) => [stat, ...below(stat.pid)]);
  return below(pid);
}

export function zombiesOf(pid: number): ProcessStat[] {
  return childrenOf(pid).filter(({ state }) => state === 'Z');
}

/** The processes that still run and have this text in the environment they started with, in whatever namespace. */
export function runningWith(marker: string): ProcessStat[] {
  return allProcesses().filter(({ pid, state }) => {
    if (state === 'Z') return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker);
    } catch {
      return false;
    }
  });
}

/** Reads a state until it holds: for what the kernel reports no event of. @throws after the deadline */
export async function until<Value>(
  read: () => Value | undefined | false | null,
  what: string,
  deadlineMs = 20_000,
): Promise<Value> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false && value !== null) return value;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, 2));
  }
}
