import {
  aPid,
  aWholeNumber,
  checkArgument,
  milliseconds,
  readOptions,
} from '../arguments/check-arguments.ts';
import { descendants } from '../index.ts';
import { now, sleep } from '../native/timers.ts';
import { commandLine } from '../process-tree/printable-name.ts';
import { type ProcessInfo, readProcess, requireProc } from '../process-tree/process-table.ts';

/** The interval between two reads of /proc: the kernel reports no event for a zombie. */
const SNAPSHOT_EVERY_MS = 5;
/** The kernel's limit on pids, PID_MAX_LIMIT: proc_sys_kernel(5). */
const MOST_PROCESSES = 2 ** 22;

/**
 * Draws a process and all its descendants: pid, command line, and whether it is a zombie, stopped or traced.
 * @returns the empty string if there is no such process
 * @throws TypeError for a pid that is not a whole number from 1
 * @throws Error ERR_NO_PROC, as `descendants`
 */
export function processTree(pid: number = process.pid): string {
  checkArgument('processTree', 'pid', pid, aPid);
  requireProc('processTree');
  const root = readProcess(pid);
  if (root === undefined) return '';
  const all = descendants(pid);
  const draw = (info: ProcessInfo): string[] => {
    const children = all
      .filter(({ parent }) => parent === info.pid)
      .sort((one, other) => one.pid - other.pid);
    const below = children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      const [first, ...rest] = draw(child);
      return [`${isLast ? '`-' : '|-'} ${first}`, ...rest.map((line) => `${isLast ? ' ' : '|'}  ${line}`)];
    });
    const remark = { Z: ' (zombie)', T: ' (stopped)', t: ' (traced)' }[info.state] ?? '';
    return [`${info.pid} ${commandLine(info)}${remark}`, ...below];
  };
  return draw(root).join('\n');
}

/**
 * The zombies below a process: processes that have ended, but whose parents have not waited for them.
 * @throws TypeError for a pid that is not a whole number from 1
 * @throws Error ERR_NO_PROC, as `descendants`
 */
export function zombies(pid: number = process.pid): ProcessInfo[] {
  checkArgument('zombies', 'pid', pid, aPid);
  requireProc('zombies');
  return descendants(pid).filter(({ state }) => state === 'Z');
}

export interface WaitForZombiesOptions {
  /** The process whose descendants count. Default: this one. */
  readonly pid?: number;
  /** How long to wait, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * Waits until a process has exactly `count` zombies below it: 0 waits until all are reaped.
 * @throws Error with the process tree, after the timeout
 * @throws Error ERR_NO_PROC, as `descendants`
 * @throws TypeError for an argument that is not allowed
 */
export async function waitForZombies(count: number, options?: WaitForZombiesOptions): Promise<ProcessInfo[]> {
  checkArgument('waitForZombies', 'count', count, aWholeNumber(0, MOST_PROCESSES));
  const { pid = process.pid, timeoutMs = 5000 } = readOptions('waitForZombies', options, {
    pid: aPid,
    timeoutMs: milliseconds,
  });
  requireProc('waitForZombies');
  const end = now() + timeoutMs;
  for (;;) {
    const found = zombies(pid);
    if (found.length === count) return found;
    if (now() > end) {
      throw new Error(
        `waitForZombies: ${found.length} zombies below ${pid} after ${timeoutMs} ms, not ${count}\n${processTree(pid)}`,
      );
    }
    await sleep(SNAPSHOT_EVERY_MS);
  }
}
