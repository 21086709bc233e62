import type { Effect } from '../lifecycle/model.ts';
import { attempt } from '../native/attempt.ts';
import { closePidfd, openPidfd } from '../native/pidfd.ts';
import { pollReadable } from '../native/poll.ts';
import { inSignalSet } from '../native/signal-set.ts';
import type { Pid, Signal } from '../native/types.ts';
import {
  hasEnded,
  hasExecuted,
  identity,
  isSameProcess,
  type ProcessInfo,
  readProcess,
} from '../process-tree/process-table.ts';
import { reactionTo, readSignalHandling } from '../process-tree/signal-handling.ts';
import { belowInit } from './tree.ts';

/**
 * Among how many processes init looks who gets a stop signal, which waits meanwhile: some 20 ms. A number and not a time: on
 * a busy machine nobody must be missed. Those that are nearest to init come first; the others are asked once more.
 */
const MOST_SEEN = 200;
/** How often init looks again, in a stop, at what is not its child and cannot be watched by a pidfd. */
const LOOK_AGAIN_MS = 100;

interface Recipient {
  /** As it was at the last look. */
  readonly info: ProcessInfo;
  readonly signal: Signal;
  readonly hadExecuted: boolean;
  readonly isWaitedFor: boolean;
}

/**
 * Who got the stop signal, and is still stopping. In one stop each process gets it once, and those that act on it have the time
 * that the workload would have had: `npm start` ends at once, and the server below it does not.
 * @param lookAgain called when it is time to ask again whether any is, unless SIGCHLD will tell
 */
export function createRecipients(lookAgain: () => void) {
  const recipients = new Map<string, Recipient>();
  let endWatch = () => {};

  /** Calls back when a process that is no child of init has ended, or is to be looked at again. */
  function watch(info: ProcessInfo, mayPoll: boolean): void {
    const callBack = () => {
      unwatch();
      lookAgain();
    };
    const pidfd = mayPoll ? openPidfd(info.pid) : undefined;
    let endPoll: (() => void) | undefined;
    if (pidfd !== undefined) {
      // Another process may have its pid by now, or there is no room for one more poll: the timer sees to it.
      attempt(() => {
        if (isSameProcess(readProcess(info.pid), info)) endPoll = pollReadable(pidfd, callBack);
      });
    }
    const timer = endPoll === undefined ? setTimeout(callBack, LOOK_AGAIN_MS) : undefined;
    endWatch = () => {
      endPoll?.();
      clearTimeout(timer);
      if (pidfd !== undefined) closePidfd(pidfd);
    };
  }

  function unwatch(): void {
    const end = endWatch;
    endWatch = () => {};
    end();
  }

  return {
    /**
     * Notes who gets the signal and has a handler for it. That must be known before: a handler for one time is gone after it.
     * @returns whether this process traces one of them, or may: that stops at the signal, and must be let go on
     */
    note(
      { signal, scope, when }: Extract<Effect, { kind: 'note-recipients' }>,
      workload: Pid | undefined,
    ): boolean {
      let isTracer = false;
      const noteOne = (info: ProcessInfo) => {
        const handling = readSignalHandling(info.pid);
        if (handling === undefined) return;
        // With an owner, the workload leads no group, and gets the signal alone.
        const isInGroup = scope === 'group' && handling.group === workload;
        if (scope !== 'tree' && !isInGroup && info.pid !== workload) return;
        isTracer ||= handling.tracer === process.pid;
        const reaction = reactionTo(signal, handling);
        // If it was sent a moment ago, those count too that have no handler any more, and yet have not died of it. If it
        // perhaps was, they are not asked, but init does not wait for them either: they have the grace time.
        const isSpent = reaction === 'has no handler for' && when !== 'before';
        if (reaction !== 'handles' && !isSpent) return;
        const isWaitedFor = !isSpent || when === 'sent';
        recipients.set(identity(info), { info, signal, hadExecuted: hasExecuted(info.pid), isWaitedFor });
      };
      if (scope === 'child') {
        const info = workload === undefined ? undefined : readProcess(workload);
        if (info !== undefined) noteOne(info);
        return isTracer;
      }
      let seen = 0;
      for (const some of belowInit()) {
        for (const info of some) {
          // What init has not seen, it may trace.
          if (seen++ === MOST_SEEN) return true;
          noteOne(info);
        }
      }
      return isTracer;
    },
    /** Whether any of them is still stopping. */
    isAny(): boolean {
      unwatch();
      for (const [key, recipient] of recipients) {
        if (!recipient.isWaitedFor) continue;
        const still = stillStopping(recipient);
        if (still !== undefined) {
          // One at a time is enough: when it has ended, the next look finds another.
          if (still !== 'child') watch(recipient.info, still === 'stranger');
          return true;
        }
        recipients.delete(key);
      }
      return false;
    },
    /** The identities of those that are. */
    left(): ReadonlySet<string> {
      for (const [key, recipient] of recipients)
        if (stillStopping(recipient) === undefined) recipients.delete(key);
      return new Set(recipients.keys());
    },
    forget(): void {
      recipients.clear();
      unwatch();
    },
  };
}

/**
 * Who tells of its end: SIGCHLD for a child, a pidfd for a stranger. Otherwise init looks again.
 * @returns undefined if it is not stopping: it has ended, or does not act on the signal
 */
function stillStopping({
  info,
  signal,
  hadExecuted,
}: Recipient): 'child' | 'stranger' | 'unknown' | undefined {
  try {
    const current = readProcess(info.pid);
    if (current === undefined || !isSameProcess(current, info) || hasEnded(current)) return undefined;
    // A fork loses the handlers of its parent at its execve(2), and with them a signal that came just before.
    if (!hadExecuted && hasExecuted(info.pid)) return undefined;
    const handling = readSignalHandling(info.pid);
    const isHeld = current.state === 'T' || (handling && inSignalSet(handling.blocked, signal));
    if (isHeld && handling && inSignalSet(handling.pending, signal)) return undefined;
    if (!hadExecuted) return 'unknown';
    return current.parent === process.pid ? 'child' : 'stranger';
  } catch {
    // No descriptor is left (EMFILE, ENFILE): until there is one, nothing is known, and nobody is killed for that.
    return 'unknown';
  }
}
