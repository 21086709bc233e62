import { isMainThread } from 'node:worker_threads';
import { aFunction, aString, readOptions } from '../arguments/check-arguments.ts';
import { descendants, killTree, register } from '../index.ts';
import { sinceBootMs } from '../native/clock.ts';
import { sleep } from '../native/timers.ts';
import { commandLine, processName, stateName } from '../process-tree/printable-name.ts';
import {
  hasEnded,
  identity,
  msPerTick,
  type ProcessInfo,
  readProcess,
  requireProc,
} from '../process-tree/process-table.ts';
import { type LeakedProcess, LeakedProcessError } from './leaked-process-error.ts';
import { outputsHeldBy } from './pipe-holders.ts';
import { recordStarts } from './where-started.ts';

/** How long a process may take to end after the test: `child.kill()` at a test's end does not wait. */
const SETTLE_MS = 200;
/** The same for one whose first thread has ended: most likely it was killed, and a busy machine is slow to end the rest. */
const ENDING_MS = 2000;
const SNAPSHOT_EVERY_MS = 5;
const MOST_ROUNDS = 5;

export interface TrackOptions {
  /** The name of the test, for the error. Default "this process". */
  readonly name?: string;
  /** Whether a process and its descendants may stay: neither reported nor ended, unless an ancestor is. */
  readonly allow?: (process: LeakedProcess) => boolean;
}

export interface ProcessTracker extends AsyncDisposable {
  /**
   * Ends the processes that were started since and still run.
   * @throws LeakedProcessError if there are any
   */
  stop(): Promise<void>;
}

/**
 * Records the processes that run below this process. They and their descendants do not count as leaks. Becomes a
 * subreaper until `stop`, so that no process escapes.
 * @throws TypeError for an unknown option, or one of the wrong type
 * @throws Error in a worker thread: the kernel gives its orphans to the main thread
 * @throws Error ERR_NO_PROC on Linux, if /proc is not mounted, or shows another PID namespace
 */
export function trackProcesses(options?: TrackOptions): ProcessTracker {
  const { name = 'this process', allow } = readOptions('trackProcesses', options, {
    name: aString,
    allow: aFunction,
  });
  return startTracking(() => name, allow);
}

/** @param nameNow asked at the end: tests that run together get a common error */
export function startTracking(
  nameNow: () => string,
  isAllowed: (process: LeakedProcess) => boolean = () => false,
): ProcessTracker {
  const nothing = () => Promise.resolve();
  if (process.platform !== 'linux') return { stop: nothing, [Symbol.asyncDispose]: nothing };
  if (!isMainThread) {
    throw new Error(
      'trackProcesses: this is a worker thread; run tests in processes (pool "forks" in vitest)',
    );
  }
  requireProc('trackProcesses');
  const registration = register();
  const before = new Set(descendants(process.pid).map(identity));
  const starts = recordStarts();

  /** In tree order, without the descendants of processes that ran before, or that may stay. */
  function leftRunning(): LeakedProcess[] {
    const all = descendants(process.pid);
    const byPid = new Map(all.map((info) => [info.pid as number, info]));
    const orphans = new Set(registration.orphans().map(({ pid }) => pid));
    const counted = new Set<number>([process.pid]);
    const left: LeakedProcess[] = [];
    for (const info of all) {
      if (!counted.has(info.parent) || before.has(identity(info))) continue;
      if (hasEnded(info)) {
        counted.add(info.pid);
        continue;
      }
      const leaked = describe(info, byPid, orphans.has(info.pid));
      if (isAllowed(leaked)) continue;
      counted.add(info.pid);
      left.push(leaked);
    }
    return left;
  }

  async function check(): Promise<void> {
    try {
      let left = leftRunning();
      const patienceMs = () => (left.every(({ state }) => state === 'Z') ? ENDING_MS : SETTLE_MS);
      for (let waitedMs = 0; left.length > 0 && waitedMs < patienceMs(); waitedMs += SNAPSHOT_EVERY_MS) {
        await sleep(SNAPSHOT_EVERY_MS);
        left = leftRunning();
      }
      if (left.length === 0) return;
      const startedAt = starts.linesOf(
        new Set(left.flatMap(({ pid, parents }) => [pid, ...parents.map((parent) => parent.pid)])),
      );
      const all: LeakedProcess[] = [];
      let failure: unknown;
      // A process may start another one on SIGTERM and leave it behind: the next snapshot finds it.
      for (let round = 0; left.length > 0 && round < MOST_ROUNDS; round++) {
        all.push(...left);
        failure ??= await endTrees(left);
        left = leftRunning();
      }
      await untilReaped(all);
      throw new LeakedProcessError(nameNow(), all, failure, startedAt);
    } finally {
      starts.stop();
      registration.unregister();
    }
  }

  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= check();
    return stopped;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

/** @returns the error, if some of them could not be ended */
async function endTrees(processes: readonly LeakedProcess[]): Promise<unknown> {
  const pids = new Set(processes.map(({ pid }) => pid));
  const roots = processes.filter(({ parents }) => !pids.has(parents[0]?.pid ?? 0));
  const results = await Promise.allSettled(roots.map(({ pid }) => killTree(pid)));
  return results.find((result) => result.status === 'rejected')?.reason;
}

/** Waits until this process has reaped its children among them: libuv's own, and the orphans. */
async function untilReaped(ended: readonly LeakedProcess[]): Promise<void> {
  const isZombie = ({ pid }: LeakedProcess) => {
    const info = readProcess(pid);
    return info?.parent === process.pid && hasEnded(info);
  };
  for (let waitedMs = 0; ended.some(isZombie) && waitedMs < SETTLE_MS; waitedMs += SNAPSHOT_EVERY_MS) {
    await sleep(SNAPSHOT_EVERY_MS);
  }
}

function describe(
  info: ProcessInfo,
  byPid: ReadonlyMap<number, ProcessInfo>,
  isOrphan: boolean,
): LeakedProcess {
  const parents = [];
  for (let parent = byPid.get(info.parent); parent !== undefined; parent = byPid.get(parent.parent)) {
    parents.push({ pid: parent.pid, name: processName(parent) });
  }
  parents.push({ pid: process.pid, name: 'this process' });
  return {
    pid: info.pid,
    name: processName(info),
    command: commandLine(info),
    state: info.state,
    stateName: stateName(info),
    ageMs: Math.round(sinceBootMs() - info.startTime * msPerTick),
    isOrphan,
    parents,
    holdsOpen: outputsHeldBy(info.pid),
  };
}
