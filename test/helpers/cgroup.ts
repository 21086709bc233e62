import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './proc.ts';

/** Where cgroups v1 has its controllers: cgroups(7). */
const mountPoint = '/sys/fs/cgroup';

/**
 * Makes a cgroup: the part 'cgroups'. When the test finishes, it kills what is left in the group, and removes it.
 * @param settings files and what is written to them
 * @returns its folder
 */
export function createCgroup(
  controller: 'cpu' | 'freezer' | 'memory' | 'pids',
  settings: Readonly<Record<string, string>>,
): string {
  const group = join(mountPoint, controller, `subreaper-${randomUUID()}`);
  mkdirSync(group);
  onTestFinished(() => until(() => isRemoved(group), 'no process is left in the group').then(() => {}));
  for (const [file, value] of Object.entries(settings)) writeFileSync(join(group, file), value);
  return group;
}

/** The processes of a group. */
export function membersOf(group: string): number[] {
  return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
}

/** A shell script that moves its own process into the group, and executes "$@". */
export function enter(group: string): string {
  return `echo 0 >${group}/cgroup.procs; exec "$@"`;
}

function isRemoved(group: string): boolean {
  for (const pid of membersOf(group)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  try {
    rmdirSync(group);
    return true;
  } catch {
    // EBUSY: the last process has not left yet.
    return false;
  }
}
