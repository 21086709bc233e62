import { aPid, checkArgument } from '../arguments/check-arguments.ts';
import { type ProcessInfo, readDescendants } from './process-table.ts';
import { listProcesses, treeIn } from './ps.ts';
import { descendantsOnWindows } from './windows.ts';

/**
 * Every process below `pid`, zombies included, parents before their children. A snapshot: it may miss processes that are
 * forked meanwhile.
 * @returns the empty array if there is no such process
 * @throws TypeError for a pid that is not a whole number from 1
 * @throws Error ERR_NO_PROC if /proc is not mounted, or shows another PID namespace
 * @throws Error ERR_NO_PS on systems that have neither /proc nor a ps(1)
 * @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read
 * @see proc_pid_stat(5)
 */
export function descendants(pid: number): ProcessInfo[] {
  checkArgument('descendants', 'pid', pid, aPid);
  if (process.platform === 'win32') return descendantsOnWindows(pid);
  if (process.platform !== 'linux') return treeIn(listProcesses(), (each) => each.pid === pid).slice(1);
  return readDescendants(pid);
}
