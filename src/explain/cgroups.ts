import { readOrNothing } from '../process-tree/read-or-nothing.ts';

/** What the memory controller says of this process's cgroup. */
export interface MemoryCgroup {
  /** The smallest limit that holds for it; undefined without one. */
  readonly limitBytes: number | undefined;
  readonly peakBytes: number | undefined;
  /** How many of its processes the kernel has killed for memory since it exists. */
  readonly oomKills: number;
  /** Whether it kills all of them at once: memory.oom.group, of version 2 alone. */
  readonly killsAll: boolean;
  /** Whether it is all that the container sees: then it is no older than the container. */
  readonly isContainers: boolean;
}

/** The files of one version of the controller: cgroups(7). */
interface Version {
  readonly limit: string;
  readonly peak: string;
  readonly events: string;
}

// cgroup-v1/memory.rst and cgroup-v2.rst of the kernel's documentation. memory.peak exists since Linux 5.19.
const version1: Version = {
  limit: 'memory.limit_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  events: 'memory.oom_control',
};
const version2: Version = { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' };

/** Version 1 says "no limit" with the largest number of pages that fits. */
const NO_LIMIT = 2 ** 60;

type Read = (file: string) => string | undefined;

/** @param read returns what a file holds, undefined if it cannot be read */
export function readMemoryCgroup(read: Read = readOrNothing): MemoryCgroup | undefined {
  const cgroup = findCgroup('memory', read);
  if (cgroup === undefined) return undefined;
  const version = cgroup.isVersion1 ? version1 : version2;
  const folder = `${cgroup.point}${cgroup.inside}`;
  const oomKills = /^oom_kill (\d+)$/m.exec(read(`${folder}/${version.events}`) ?? '')?.[1];
  if (oomKills === undefined) return undefined;
  const { limitBytes, peakBytes } = smallestLimit(cgroup, version, read);
  return {
    limitBytes,
    peakBytes,
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
  readonly isVersion1: boolean;
  /** The folder at which the hierarchy is mounted. */
  readonly point: string;
  /** The path of the cgroup below it, or the empty string. */
  readonly inside: string;
}

function findCgroup(controller: string, read: Read): Cgroup | undefined {
  const cgroups = read('/proc/self/cgroup') ?? '';
  const mounts = read('/proc/self/mountinfo') ?? '';
  const first = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(cgroups)?.[1];
  const isVersion1 = first !== undefined;
  const path = first ?? /^0::(.*)$/m.exec(cgroups)?.[1];
  const type = isVersion1 ? new RegExp(` - cgroup \\S+ \\S*\\b${controller}\\b`) : / - cgroup2 /;
  const mount = findMount(mounts, type);
  if (path === undefined || mount === undefined) return undefined;
  const inside = withoutRoot(path, mount.root);
  return inside === undefined ? undefined : { isVersion1, point: mount.point, inside };
}

/** The folders of the cgroup and of those above it. */
function foldersUp({ point, inside }: Cgroup): string[] {
  const folders: string[] = [];
  for (let path = inside; ; path = path.slice(0, path.lastIndexOf('/'))) {
    folders.push(`${point}${path}`);
    if (path === '') return folders;
  }
}

/** A limit of a cgroup holds for those below it as well. */
function smallestLimit(cgroup: Cgroup, { limit, peak }: Version, read: Read) {
  let limitBytes: number | undefined;
  let peakBytes = number(read(`${cgroup.point}${cgroup.inside}/${peak}`));
  for (const folder of foldersUp(cgroup)) {
    const found = number(read(`${folder}/${limit}`));
    if (found === undefined || found >= (limitBytes ?? NO_LIMIT)) continue;
    limitBytes = found;
    peakBytes = number(read(`${folder}/${peak}`));
  }
  return { limitBytes, peakBytes };
}

/** The folder at which a hierarchy is mounted, and which of its cgroups that is: proc_pid_mountinfo(5). */
function findMount(mounts: string, type: RegExp): { root: string; point: string } | undefined {
  // Of several mounts at one folder only the last one can be seen.
  const topmost = new Map(mounts.split('\n').map((mount) => [mount.split(' ')[4], mount]));
  const line = [...topmost.values()].find((mount) => type.test(mount));
  const [, , , root, point] = line?.split(' ') ?? [];
  return root === undefined || point === undefined
    ? undefined
    : { root, point: point.replaceAll('\\040', ' ') };
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
