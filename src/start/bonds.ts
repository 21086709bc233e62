import { fstatSync, type Stats } from 'node:fs';
import type { BondEvent } from '../lifecycle/model.ts';
import type { LifecycleOptions } from '../lifecycle/options.ts';
import { attempt } from '../native/attempt.ts';
import { openPidfd } from '../native/pidfd.ts';
import { onHangUp, pollReadable } from '../native/poll.ts';
import {
  leadNewGroup,
  leadNewSession,
  ownProcessGroup,
  processGroupOf,
  setParentDeathSignal,
} from '../native/process.ts';
import type { Pid, Signal } from '../native/types.ts';
import { KILL_TREE } from '../signals/numbers.ts';
import { signalNumber } from '../signals/signal-names.ts';
import type { Inherited } from './inherited.ts';

/** What takes init's signals, and the end of what it is bound to. */
interface Taker {
  deliver(signal: Signal): void;
  end(event: BondEvent): void;
}

const KILL = signalNumber(KILL_TREE);
/** Without pidfds the kernel sends this when the owner, or one of its threads, ends. Ignored by default. */
const OWNER_SIGNAL = signalNumber('SIGURG');

/**
 * What init ends with, beside the workload: its owner, its standard input, or neither.
 * @throws Error if the owner has ended, or cannot be seen; or if standard input has no other end
 */
export function createBonds(
  { untilOwner, untilStdinCloses, restart }: LifecycleOptions,
  parentDeathSignal: Signal | undefined,
  { parentPid: owner, descriptors }: Inherited,
) {
  // The loop turns only after begin().
  let end: Taker['end'] = () => {};
  if (untilStdinCloses) {
    checkInput(descriptors?.includes(0) === false ? undefined : fstatSync(0));
    onHangUp(0, () => end({ kind: 'input-ended' }));
  }
  const isWatched = untilOwner && watch(owner, () => end({ kind: 'owner-ended' }));
  if (untilOwner && !isWatched) setParentDeathSignal(parentDeathSignal ?? OWNER_SIGNAL);
  // In this order no owner can end unnoticed: either it does so before this line, or it is watched.
  if (untilOwner) checkOwner(owner);

  const group = untilOwner ? groupToLeaveTo(owner) : undefined;
  // Another run has to join that group, which takes the same session.
  const mayRestart = restart.kind !== 'no';
  if (group !== undefined && mayRestart) leadNewGroup();

  return {
    /** The owner's process group, for the workload; undefined if the workload is to lead its own. */
    group,
    /**
     * Call it once the workload runs.
     * @returns what takes the signals in the taker's place
     */
    begin({ deliver, end: endTree }: Taker): (signal: Signal) => void {
      end = endTree;
      if (group !== undefined && !mayRestart) leaveSession();
      if (!untilOwner) return deliver;
      let isOwned = true;
      return (signal) => {
        // The death of a thread of the owner sends a signal as well, and changes nothing here.
        if (!isWatched && isOwned && process.ppid !== owner) {
          isOwned = false;
          end({ kind: 'owner-ended' });
        }
        if (signal === KILL) end({ kind: 'kill-requested' });
        else deliver(signal);
      };
    },
  };
}

/**
 * Calls back once when the process has ended. A pidfd is the whole process, whichever of its threads has forked init; it
 * stays the same over an exec and a stop; and init alone has it, so that no descriptor that a process inherits by accident
 * can hide the end.
 * @returns whether it can: not before Linux 5.3, or if a seccomp profile refuses pidfd_open(2)
 */
function watch(owner: Pid, callBack: () => void): boolean {
  const pidfd = openPidfd(owner);
  if (pidfd === undefined) return false;
  const stop = pollReadable(pidfd, () => {
    stop();
    callBack();
  });
  return true;
}

/**
 * Whoever kills the owner may kill its whole process group (a shell's `kill -9 %1`, timeout(1), CI): init must not be in it.
 * The workload stays, as if the owner had started it: the terminal is the owner's and its own, and a Ctrl-C reaches both.
 * @returns the group to leave; undefined if a shell has made init a job of its own, or the owner detached it
 */
function groupToLeaveTo(owner: Pid): Pid | undefined {
  const group = ownProcessGroup();
  // 0: the group has no number in this PID namespace.
  return group === 0 || group === process.pid || processGroupOf(owner) !== group ? undefined : group;
}

/**
 * The session too, once the workload runs. With init in another group of the same session the owner's group would become
 * orphaned when the workload ends, and the kernel would send SIGHUP to all of it if a member is stopped: setpgid(2).
 */
function leaveSession(): void {
  // EPERM: init leads its group already, and so shares it with nobody.
  if (attempt(leadNewSession) !== undefined) attempt(leadNewGroup);
}

/** While init is the owner's child, its pid is no other process's. */
function checkOwner(owner: Pid): void {
  if (process.ppid === 0) {
    throw new Error('the owner is outside this PID namespace; leave out --until-owner');
  }
  if (process.ppid !== owner)
    throw new Error('the owner has ended; start subreaper from a process that keeps running');
}

function checkInput(input: Stats | undefined): void {
  if (input?.isFIFO() || input?.isSocket()) return;
  const kind = input?.isCharacterDevice() ? 'a terminal or another device' : 'a file';
  const what = input === undefined ? 'closed' : kind;
  throw new Error(`standard input is ${what}; give --until-stdin-closes a pipe or a socket`);
}
