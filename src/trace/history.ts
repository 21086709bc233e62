import type { Pid } from '../native/types.ts';
import { printableName } from '../process-tree/printable-name.ts';
import { hasEnded, msPerTick, type ProcessInfo } from '../process-tree/process-table.ts';
import type { Ended } from '../reaper/wait-status.ts';

/** So many processes, and so many marks: a run of months must not fill a small container. At the end they take 70 MB. */
const MOST = 20_000;

/** A process of the run. All times are microseconds since boot. */
export interface TracedProcess {
  readonly pid: Pid;
  readonly startUs: number;
  /** The process that forked it; undefined if init did not see them together. */
  readonly forkedBy: TracedProcess | undefined;
  /** What it executed, in order, and since when: one at least. */
  readonly programs: readonly Program[];
  /** undefined while it runs. */
  readonly endUs: number | undefined;
  /** undefined unless init took its status. */
  readonly how: Ended | undefined;
}

interface Program {
  readonly name: string;
  readonly sinceUs: number;
}

/** What happened to them, and to init. */
export type Mark =
  | { readonly kind: 'instant'; readonly traced: TracedProcess; readonly name: string; readonly atUs: number }
  /** `from` is the parent that has died; undefined if init did not see it. */
  | {
      readonly kind: 'adoption';
      readonly orphan: TracedProcess;
      readonly from: TracedProcess | undefined;
      readonly to: TracedProcess;
      readonly atUs: number;
    }
  /** A part of the end. */
  | { readonly kind: 'phase'; readonly name: string; readonly startUs: number; readonly endUs: number };

/** What became of init and of every process seen below it. */
export interface History {
  readonly root: TracedProcess;
  /** In the order in which they were first seen, the root first. */
  readonly processes: readonly TracedProcess[];
  readonly marks: readonly Mark[];
  /** Since when something is missing, because there was too much. */
  fullSinceUs(): number | undefined;
  /** Those that were not found to be gone. */
  alive(): Pid[];
  /**
   * Takes note of a process that is there at this moment.
   * @param isOwn whether the root forked it; otherwise a child of the root is an orphan
   */
  seen(info: ProcessInfo, atUs: number, isOwn?: boolean): void;
  /**
   * @param how undefined if another process took its status
   * @returns whether it was known to be there
   */
  gone(pid: Pid, atUs: number, how?: Ended): boolean;
  /** @param pid the root if undefined, or no process that is known to run */
  instant(name: string, atUs: number, pid?: Pid): void;
  phase(name: string, startUs: number, endUs: number): void;
}

type Growing = { -readonly [Key in keyof TracedProcess]: TracedProcess[Key] } & {
  readonly startTime: number;
  readonly programs: Program[];
  parent: TracedProcess | undefined;
};

/** @param self the root, which adopts orphans */
export function createHistory(self: ProcessInfo, mostProcesses = MOST, mostMarks = MOST): History {
  const root = begin(self, undefined);
  const processes: Growing[] = [root];
  const marks: Mark[] = [];
  const alive = new Map<Pid, Growing>([[self.pid, root]]);
  /** The last one that had the pid. */
  const latest = new Map(alive);
  let renamings = 0;
  let fullSinceUs: number | undefined;

  function hasRoomForMark(atUs: number): boolean {
    if (marks.length + renamings < mostMarks) return true;
    fullSinceUs ??= atUs;
    return false;
  }

  function seen(info: ProcessInfo, atUs: number, isOwn = false): void {
    const known = latest.get(info.pid)?.startTime;
    // It is of a process that has gone since.
    if (known !== undefined && known > info.startTime) return;
    if (known !== info.startTime) {
      // Another process had its pid.
      gone(info.pid, atUs);
      if (processes.length >= mostProcesses) fullSinceUs ??= atUs;
      else add(info, isOwn);
    }
    const traced = alive.get(info.pid);
    // It has gone since the snapshot, or there is no room for it.
    if (traced === undefined) return;
    followParent(traced, alive.get(info.parent), atUs);
    followName(traced, printableName(info.name), atUs);
    // A zombie: its parent has not waited for it yet.
    if (hasEnded(info)) traced.endUs ??= atUs;
  }

  function add(info: ProcessInfo, isOwn: boolean): void {
    const parent = alive.get(info.parent);
    const traced = begin(info, parent === root && !isOwn ? undefined : parent);
    processes.push(traced);
    alive.set(info.pid, traced);
    latest.set(info.pid, traced);
  }

  function followParent(orphan: Growing, to: Growing | undefined, atUs: number): void {
    if (to === undefined || to === orphan.parent) return;
    if (hasRoomForMark(atUs)) marks.push({ kind: 'adoption', orphan, from: orphan.parent, to, atUs });
    orphan.parent = to;
  }

  function followName({ programs }: Growing, name: string, atUs: number): void {
    const last = programs.at(-1) as Program;
    if (last.name === name || !hasRoomForMark(atUs)) return;
    renamings++;
    programs.push({ name, sinceUs: Math.max(atUs, last.sinceUs + 1) });
  }

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
    processes,
    marks,
    fullSinceUs: () => fullSinceUs,
    alive: () => [...alive.keys()],
    seen,
    gone,
    instant(name, atUs, pid = self.pid) {
      if (hasRoomForMark(atUs)) marks.push({ kind: 'instant', traced: alive.get(pid) ?? root, name, atUs });
    },
    phase(name, startUs, endUs) {
      if (hasRoomForMark(endUs)) marks.push({ kind: 'phase', name, startUs, endUs });
    },
  };
}

function begin(info: ProcessInfo, parent: TracedProcess | undefined): Growing {
  const startUs = info.startTime * msPerTick * 1000;
  return {
    pid: info.pid,
    startTime: info.startTime,
    startUs,
    forkedBy: parent,
    parent,
    programs: [{ name: printableName(info.name), sinceUs: startUs }],
    endUs: undefined,
    how: undefined,
  };
}
