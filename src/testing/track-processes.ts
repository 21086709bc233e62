import { isMainThread } from 'node:worker_threads';
import { aFunction, aString, checkOptions } from '../in-process/check-options.ts';
import { descendants, killTree, register } from '../index.ts';
import { sleep } from '../native/timers.ts';
import { hasEnded, identity, type ProcessInfo, readProcess } from '../process-tree/process-table.ts';
import { type LeakedProcess, LeakedProcessError } from './leaked-process-error.ts';
import { ageMs, commandLine, stateName } from './process-details.ts';

/** What was told to end a moment ago is no leak if it does: `child.kill()` at a test's end waits for nothing. */
const SETTLE_MS = 200;
const LOOK_EVERY_MS = 5;
const MOST_ROUNDS = 5;

export interface TrackOptions {
  /** What the error calls the one that left the processes. Default "this process". */
  readonly name?: string;
  /** A process that may stay, with all below it, unless one above it may not: it is neither reported nor ended. */
  readonly allow?: (process: LeakedProcess) => boolean;
}

export interface ProcessTracker extends AsyncDisposable {
  /**
   * Ends what has been started since and still runs.
   * @throws LeakedProcessError if there was any
   */
  stop(): Promise<void>;
}

/**
 * Remembers what runs below this process, and becomes a subreaper meanwhile, so that no process gets away from below
 * it. What is there by then, and what those start, does not count later.
 * @throws TypeError for an option that is not allowed
 * @throws Error in a worker thread, which has no orphans: the kernel gives them to the main thread
 */
export function trackProcesses(options: TrackOptions = {}): ProcessTracker {
  checkOptions('trackProcesses', options, { name: aString, allow: aFunction });
  const nothing = () => Promise.resolve();
  if (process.platform !== 'linux') return { stop: nothing, [Symbol.asyncDispose]: nothing };
  if (!isMainThread) {
    throw new Error(
      'trackProcesses: this is a worker thread; run tests in processes (pool "forks" in vitest)',
    );
  }
  const registration = register();
  const before = new Set(descendants(process.pid).map(identity));
  const isAllowed = options.allow ?? (() => false);

  /** In the order of the tree: whoever is below one that was there before, or below one that may stay, is left out. */
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
      for (let waitedMs = 0; left.length > 0 && waitedMs < SETTLE_MS; waitedMs += LOOK_EVERY_MS) {
        await sleep(LOOK_EVERY_MS);
        left = leftRunning();
      }
      if (left.length === 0) return;
      const all: LeakedProcess[] = [];
      let failure: unknown;
      // What is started in answer to SIGTERM, and left behind, is found by the next look.
      for (let round = 0; left.length > 0 && round < MOST_ROUNDS; round++) {
        all.push(...left);
        failure ??= await endTrees(left);
        left = leftRunning();
      }
      await untilReaped(all);
      throw new LeakedProcessError(options.name ?? 'this process', all, failure);
    } finally {
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

/** @returns why some of them could not be ended, if so */
async function endTrees(processes: readonly LeakedProcess[]): Promise<unknown> {
  const pids = new Set(processes.map(({ pid }) => pid));
  const roots = processes.filter(({ parents }) => !pids.has(parents[0]?.pid ?? 0));
  const results = await Promise.allSettled(roots.map(({ pid }) => killTree(pid)));
  return results.find((result) => result.status === 'rejected')?.reason;
}

/** Those that are this process's children are reaped in a moment: libuv's own, and the orphans. */
async function untilReaped(ended: readonly LeakedProcess[]): Promise<void> {
  const isZombie = ({ pid }: LeakedProcess) => {
    const info = readProcess(pid);
    return info?.parent === process.pid && hasEnded(info);
  };
  for (let waitedMs = 0; ended.some(isZombie) && waitedMs < SETTLE_MS; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
  }
}

function describe(
  info: ProcessInfo,
  byPid: ReadonlyMap<number, ProcessInfo>,
  isOrphan: boolean,
): LeakedProcess {
  const parents = [];
  for (let parent = byPid.get(info.parent); parent !== undefined; parent = byPid.get(parent.parent)) {
    parents.push({ pid: parent.pid, name: parent.name });
  }
  parents.push({ pid: process.pid, name: 'this process' });
  return {
    pid: info.pid,
    name: info.name,
    command: commandLine(info),
    state: info.state,
    stateName: stateName(info),
    ageMs: ageMs(info),
    isOrphan,
    parents,
  };
}
