import { attempt } from '../native/attempt.ts';
import { now, sleep } from '../native/timers.ts';
import { isSame, listProcesses, type PsProcess, treeIn } from './ps.ts';

/** How often to see whether a tree has ended, and how long to rest for each millisecond of a snapshot: ps(1) takes some 20. */
const SNAPSHOT_EVERY_MS = 100;
const REST_PER_SNAPSHOT = 4;
/** For a tree that forks while it is being stopped. */
const MOST_STOPS = 5;
/** How long to kill again what SIGKILL has not ended: a process in an uninterruptible sleep, say. */
const LONGEST_KILL_MS = 10_000;

/** ps(1) may fail for want of a process (EAGAIN): the tree may have them all. */
const LONGEST_FAILURE_MS = 2000;

/** A tree of processes where there is no /proc, as ps(1) shows it. Who was in it once stays in it. */
export interface PsTree {
  /** The processes that have not ended. @throws Error ERR_NO_PS */
  snapshot(): readonly PsProcess[];
  /** Sends it to each process. @throws Error ERR_NO_PS */
  signal(signal: NodeJS.Signals | number): void;
  /**
   * Sends the request, SIGKILL after the grace time, and SIGKILL again for up to ten seconds.
   * @returns what is left
   * @throws Error ERR_NO_PS, if ps(1) has failed for two seconds
   */
  end(graceMs: number, request?: NodeJS.Signals): Promise<readonly PsProcess[]>;
  /** Whether another user's rights have protected it from a signal. */
  isRefused(each: PsProcess): boolean;
}

/**
 * @param isRoot of the process that the first snapshot is to start with
 * @param mark what only this tree has in its environment
 */
export function createPsTree(isRoot: (each: PsProcess) => boolean, mark?: string): PsTree {
  let members: readonly PsProcess[] | undefined;
  const refused: PsProcess[] = [];
  let snapshotMs = 0;

  function snapshot(): readonly PsProcess[] {
    const isMember = (each: PsProcess) =>
      each.isMarked || (members?.some((member) => isSame(member, each)) ?? isRoot(each));
    const start = now();
    members = treeIn(listProcesses(mark), isMember).filter(({ state }) => state !== 'Z');
    snapshotMs = now() - start;
    return members;
  }

  const isRefused = (each: PsProcess) => refused.some((other) => isSame(other, each));
  const findLeft = () => snapshot().filter((each) => !isRefused(each));
  const rest = () => sleep(Math.max(SNAPSHOT_EVERY_MS, REST_PER_SNAPSHOT * snapshotMs));

  /** At once after a snapshot: ps(1) has just shown that the pids are still theirs. */
  function send(receivers: readonly PsProcess[], signal: NodeJS.Signals | number): void {
    for (const receiver of receivers) {
      try {
        process.kill(receiver.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EPERM') refused.push(receiver);
      }
    }
  }

  /** Stops them first: a process that runs on could start another one, and be killed before anybody has seen that. */
  function kill(found: readonly PsProcess[]): void {
    let frozen = found;
    // Killed also if ps(1) fails now: nobody is to stay stopped.
    attempt(() => {
      for (let stops = 0; stops < MOST_STOPS; stops++) {
        send(frozen, 'SIGSTOP');
        const before = frozen;
        frozen = findLeft();
        const isKnown = (each: PsProcess) => before.some((known) => isSame(known, each));
        if (frozen.every((each) => isKnown(each) && each.state === 'T')) break;
      }
    });
    send(frozen, 'SIGKILL');
  }

  return {
    snapshot,
    isRefused,
    signal(signal) {
      send(snapshot(), signal);
    },
    async end(graceMs, request = 'SIGTERM') {
      const graceEndMs = now() + graceMs;
      const endMs = graceEndMs + LONGEST_KILL_MS;
      let isAsked = graceMs === 0;
      let wasLeft = false;
      let failingFromMs: number | undefined;
      for (;;) {
        const failure = attempt(() => {
          const left = findLeft();
          if (now() >= graceEndMs) kill(left);
          else if (!isAsked) {
            isAsked = true;
            send(left, request);
            // A stopped process would not see it.
            send(left, 'SIGCONT');
          }
        });
        if (failure === undefined) {
          failingFromMs = undefined;
          const isLeft = members?.some((each) => !isRefused(each)) === true;
          // Twice: what is just being executed may have had no mark yet.
          if (now() >= endMs || !(isLeft || wasLeft)) return members ?? [];
          wasLeft = isLeft;
        } else {
          failingFromMs ??= now();
          if (now() >= failingFromMs + LONGEST_FAILURE_MS) throw failure;
        }
        await rest();
      }
    },
  };
}
