import { readFileSync } from 'node:fs';

/** What the memory controller says of this process's cgroup. */
export interface MemoryCgroup {
  /** The smallest limit that holds for it; undefined without one. */
  readonly limitBytes: number | undefined;
  readonly peakBytes: number | undefined;
  /** How many of its processes the kernel has killed for memory since it exists. */
  readonly oomKills: number;
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

/** @param read returns what a file holds, undefined if it cannot be read */
export function readMemoryCgroup(read = readOrNothing): MemoryCgroup | undefined {
  const cgroups = read('/proc/self/cgroup') ?? '';
  const mounts = read('/proc/self/mountinfo') ?? '';
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(cgroups)?.[1];
  const [version, path, mount] =
    first === undefined
      ? [version2, /^0::(.*)$/m.exec(cgroups)?.[1], findMount(mounts, / - cgroup2 /)]
      : [version1, first, findMount(mounts, / - cgroup \S+ \S*\bmemory\b/)];
  if (path === undefined || mount === undefined) return undefined;
  const inside = withoutRoot(path, mount.root);
  const folder = `${mount.point}${inside}`;
  const oomKills = /^oom_kill (\d+)$/m.exec(read(`${folder}/${version.events}`) ?? '')?.[1];
  if (oomKills === undefined) return undefined;
  const { limitBytes, peakBytes } = smallestLimit(mount.point, inside, version, read);
  return { limitBytes, peakBytes, oomKills: Number(oomKills), isContainers: inside === '' };
}

/** A limit of a cgroup holds for those below it as well. */
function smallestLimit(point: string, inside: string, { limit, peak }: Version, read: typeof readOrNothing) {
  let found: Pick<MemoryCgroup, 'limitBytes' | 'peakBytes'> = {
    limitBytes: undefined,
    peakBytes: number(read(`${point}${inside}/${peak}`)),
  };
  for (let path = inside; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const limitBytes = number(read(`${point}${path}/${limit}`));
    if (limitBytes !== undefined && limitBytes < (found.limitBytes ?? NO_LIMIT)) {
      found = { limitBytes, peakBytes: number(read(`${point}${path}/${peak}`)) };
    }
    if (path === '') return found;
  }
}

/** The folder at which a hierarchy is mounted, and which of its cgroups that is: proc_pid_mountinfo(5). */
function findMount(mounts: string, type: RegExp): { root: string; point: string } | undefined {
  const line = mounts.split('\n').find((mount) => type.test(mount));
  const [, , , root, point] = line?.split(' ') ?? [];
  return root === undefined || point === undefined
    ? undefined
    : { root, point: point.replaceAll('\\040', ' ') };
}

/** The path from the mount's folder on: the empty string for that folder itself, or for a cgroup that is not below it. */
function withoutRoot(path: string, root: string): string {
  const prefix = root === '/' ? '' : root;
  const inside = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  return inside === '/' || inside.startsWith('/..') ? '' : inside;
}

/** "max" is no number. */
function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
