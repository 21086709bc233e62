import type { Pid } from '../native/types.ts';
import { processName } from '../process-tree/printable-name.ts';
import { hasEnded, msPerTick, type ProcessInfo } from '../process-tree/process-table.ts';
import type { Ended } from '../reaper/wait-status.ts';

/** So many processes, and so many marks: a run of months must not fill a small container. At the end they take 70 MB. */
const MOST = 20_000;

/** Pids are smaller: PID_MAX_LIMIT, proc_sys_kernel(5). */
const FIRST_SPARE_ROW = 2 ** 22;

/** A process of the run. All times are microseconds since boot. */
export interface TracedProcess {
  readonly pid: Pid;
  /** Each process has a row of its own: that of its pid, unless an earlier process had it. */
  readonly row: number;
  readonly startUs: number;
  /** The process that forked it; undefined if init did not see them together. */
  readonly forkedBy: TracedProcess | undefined;
  /** What it forked; of the root, also orphans of unknown parents. */
  readonly children: TracedProcess[];
  parent: TracedProcess | undefined;
  /** What it executed, in order, and since when: one at least. */
  readonly programs: { readonly name: string; readonly sinceUs: number }[];
  /** As /proc showed it last: what to call the process is found out when it changes, and not at each snapshot. */
  rawName: string;
  /** undefined while it runs. */
  endUs: number | undefined;
  /** undefined unless init took its status. */
  how: Ended | undefined;
}

/** What happened to a process, or what init did. */
interface Mark {
  readonly name: string;
  readonly traced: TracedProcess;
  readonly atUs: number;
  /** undefined for what takes no time. */
  readonly tookUs?: number;
}

interface Adoption {
  readonly orphan: TracedProcess;
  /** The parent that has died; undefined if init did not see it. */
  readonly from: TracedProcess | undefined;
  readonly to: TracedProcess;
  readonly atUs: number;
}

export type History = ReturnType<typeof createHistory>;

/** Takes note of what becomes of init and of every process seen below it. @param self the root, which adopts orphans */
export function createHistory(self: ProcessInfo, mostProcesses = MOST, mostMarks = MOST) {
  /** The last one that had the pid. */
  const latest = new Map<Pid, TracedProcess>();
  const alive = new Map<Pid, TracedProcess>();
  const processes: TracedProcess[] = [];
  const marks: Mark[] = [];
  const adoptions: Adoption[] = [];
  let spareRow = FIRST_SPARE_ROW;
  const root = add(self, undefined);
  let renamings = 0;
  let fullSinceUs: number | undefined;

  function add(info: ProcessInfo, forkedBy: TracedProcess | undefined): TracedProcess {
    const { pid, name } = info;
    const startUs = startOf(info);
    const traced: TracedProcess = {
      pid,
      row: latest.has(pid) ? spareRow++ : pid,
      startUs,
      forkedBy,
      children: [],
      parent: forkedBy,
      programs: [{ name: processName(info), sinceUs: startUs }],
      rawName: name,
      endUs: undefined,
      how: undefined,
    };
    // The first one is the root.
    (forkedBy ?? processes[0])?.children.push(traced);
    processes.push(traced);
    alive.set(pid, traced);
    latest.set(pid, traced);
    return traced;
  }

  function hasRoomForMark(atUs: number): boolean {
    if (marks.length + adoptions.length + renamings < mostMarks) return true;
    fullSinceUs ??= atUs;
    return false;
  }

  /**
   * Takes note of a process that is there at this moment.
   * @param isOwn whether the root forked it; otherwise a child of the root is an orphan
   */
  function seen(info: ProcessInfo, atUs: number, isOwn = false): void {
    const known = latest.get(info.pid)?.startUs;
    // Stale: that process has exited.
    if (known !== undefined && known > startOf(info)) return;
    if (known !== startOf(info)) {
      // Another process had its pid.
      gone(info.pid, atUs);
      const parent = alive.get(info.parent);
      if (processes.length >= mostProcesses) fullSinceUs ??= atUs;
      else add(info, parent === root && !isOwn ? undefined : parent);
    }
    const traced = alive.get(info.pid);
    // It has exited since the snapshot, or there is no room for it.
    if (traced === undefined) return;
    followParent(traced, alive.get(info.parent), atUs);
    followName(traced, info, atUs);
    // A zombie: its parent has not waited for it yet.
    if (hasEnded(info)) traced.endUs ??= atUs;
  }

  function followParent(orphan: TracedProcess, to: TracedProcess | undefined, atUs: number): void {
    if (to === undefined || to === orphan.parent) return;
    if (hasRoomForMark(atUs)) adoptions.push({ orphan, from: orphan.parent, to, atUs });
    orphan.parent = to;
  }

  function followName(traced: TracedProcess, info: ProcessInfo, atUs: number): void {
    if (traced.rawName === info.name) return;
    traced.rawName = info.name;
    const { programs } = traced;
    const last = programs.at(-1) as (typeof programs)[number];
    const name = processName(info);
    if (last.name === name || !hasRoomForMark(atUs)) return;
    renamings++;
    programs.push({ name, sinceUs: Math.max(atUs, last.sinceUs + 1) });
  }

  /**
   * @param how undefined if another process took its status
   * @returns whether it was known to be there
   */
  function gone(pid: Pid, atUs: number, how?: Ended): boolean {
    const traced = alive.get(pid);
    if (traced === undefined) return false;
    alive.delete(pid);
    traced.endUs ??= atUs;
    traced.how = how;
    return true;
  }

  return {
    root,
    /** In the order in which they were first seen, the root first. */
    processes,
    marks,
    adoptions,
    /** Since when something is missing, because there was too much. */
    fullSinceUs: () => fullSinceUs,
    /** Those that were not found to be gone. */
    alive: () => [...alive.keys()],
    seen,
    gone,
    /** @param pid the root if undefined, or no process that is known to run */
    instant(name: string, atUs: number, pid = self.pid): void {
      if (hasRoomForMark(atUs)) marks.push({ name, traced: alive.get(pid) ?? root, atUs });
    },
    /** A part of the end. */
    phase(name: string, startUs: number, endUs: number): void {
      if (hasRoomForMark(endUs)) marks.push({ name, traced: root, atUs: startUs, tookUs: endUs - startUs });
    },
  };
}

function startOf({ startTime }: ProcessInfo): number {
  return startTime * msPerTick * 1000;
}
