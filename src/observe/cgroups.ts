import { readOrNothing } from '../process-tree/read-or-nothing.ts';

/** What the memory controller says of this process's cgroup. */
export interface MemoryCgroup {
  /** The smallest limit that holds for it; undefined without one. */
  readonly limitBytes: number | undefined;
  readonly peakBytes: number | undefined;
  /** How many of its processes the OOM killer has killed since it exists. */
  readonly oomKills: number;
  /** Whether it kills all of them at once: memory.oom.group, of version 2 alone. */
  readonly killsAll: boolean;
  /** Whether it is all that the container sees: then it is no older than the container. */
  readonly isContainers: boolean;
}

// cgroup-v1/memory.rst and cgroup-v2.rst of the kernel's documentation. memory.peak exists since Linux 5.19.
const memoryFiles = {
  1: { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', events: 'memory.oom_control' },
  2: { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
} as const;

/** Version 1 says "no limit" with the largest number of pages that fits. */
const NO_LIMIT = 2 ** 60;

type Read = (file: string) => string | undefined;

/** @param read returns what a file holds, undefined if it cannot be read */
export function readMemoryCgroup(read: Read = readOrNothing): MemoryCgroup | undefined {
  const cgroup = findCgroup('memory', read);
  if (cgroup === undefined) return undefined;
  const { limit, peak, events } = memoryFiles[cgroup.version];
  const folder = `${cgroup.point}${cgroup.inside}`;
  const oomKills = /\noom_kill (\d+)\n/.exec(lines(read(`${folder}/${events}`)))?.[1];
  if (oomKills === undefined) return undefined;
  let limitBytes: number | undefined;
  let limited = folder;
  for (const above of foldersUp(cgroup)) {
    const found = number(read(`${above}/${limit}`));
    if (found === undefined || found >= (limitBytes ?? NO_LIMIT)) continue;
    limitBytes = found;
    limited = above;
  }
  return {
    limitBytes,
    peakBytes: number(read(`${limited}/${peak}`)),
    oomKills: Number(oomKills),
    killsAll: number(read(`${folder}/memory.oom.group`)) === 1,
    isContainers: cgroup.inside === '',
  };
}

/** How many processes and threads may run: the smallest limit that holds. @returns undefined if it cannot be known */
export function readPidsLimit(read: Read = readOrNothing): number | 'none' | undefined {
  const cgroup = findCgroup('pids', read);
  if (cgroup === undefined) return undefined;
  const limits = foldersUp(cgroup).map((folder) => number(read(`${folder}/pids.max`)));
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? 'none' : Math.min(...known);
}

/** Where a controller shows this process's cgroup. */
interface Cgroup {
  readonly version: 1 | 2;
  /** The folder at which the hierarchy is mounted. */
  readonly point: string;
  /** The path of the cgroup below it, or the empty string. */
  readonly inside: string;
}

function findCgroup(controller: string, read: Read): Cgroup | undefined {
  const cgroups = lines(read('/proc/self/cgroup'));
  const first = new RegExp(`\\n\\d+:(?:[^:\\n]*,)?${controller}(?:,[^:\\n]*)?:([^\\n]*)`).exec(cgroups)?.[1];
  const version = first === undefined ? 2 : 1;
  const path = first ?? /\n0::([^\n]*)/.exec(cgroups)?.[1];
  const type = version === 1 ? new RegExp(` - cgroup \\S+ \\S*\\b${controller}\\b`) : / - cgroup2 /;
  // Of several mounts at one folder only the last one can be seen.
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n');
  const topmost = new Map(mounts.map((mount) => [mount.split(' ')[4], mount]));
  // The folder at which the hierarchy is mounted, and which of its cgroups that is: proc_pid_mountinfo(5).
  const [, , , root, point] = [...topmost.values()].find((mount) => type.test(mount))?.split(' ') ?? [];
  if (path === undefined || root === undefined || point === undefined) return undefined;
  const inside = withoutRoot(path, root);
  return inside === undefined ? undefined : { version, point: point.replaceAll('\\040', ' '), inside };
}

/**
 * A file with a line feed at both ends of each line. A cgroup's name may contain any other character, and to a RegExp's
 * flag m a carriage return ends a line as well.
 */
function lines(text = ''): string {
  return `\n${text}`;
}

/** The folders of the cgroup and of those above it, whose limits hold for it as well. */
function foldersUp({ point, inside }: Cgroup): string[] {
  const folders: string[] = [];
  for (let path = inside; ; path = path.slice(0, path.lastIndexOf('/'))) {
    folders.push(`${point}${path}`);
    if (path === '') return folders;
  }
}

/**
 * The path from the mount's folder on: the empty string for that folder itself.
 * @returns undefined for a cgroup that is not below it: what the folder shows is another one's
 */
function withoutRoot(path: string, root: string): string | undefined {
  const [from, to] = [root, path].map((name) => (name === '/' ? '' : name)) as [string, string];
  if (to !== from && !to.startsWith(`${from}/`)) return undefined;
  const inside = to.slice(from.length);
  return inside.startsWith('/..') ? undefined : inside;
}

/** "max" is no number. */
function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
