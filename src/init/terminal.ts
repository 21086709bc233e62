import { kill, ownProcessGroup } from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import {
  foregroundGroup,
  isControllingTerminal,
  isInForeground,
  openControllingTerminal,
  setForegroundGroup,
} from '../native/terminal.ts';
import type { Pid, Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

/**
 * The controlling terminal, and who is in its foreground. init and the workload are two process groups of one
 * job: to the shell above, init is the job; to the terminal, the workload is. SIGTTIN and SIGTTOU must be blocked.
 */
export interface Terminal {
  /** Whether standard input and output are both this terminal: not so in a pipeline, whose other members may want it. */
  readonly isOwn: boolean;
  /** Hands it to the workload's group, if init is in its foreground. */
  give(workload: Pid): void;
  /** Hands it back to init, if that group, or nobody any more, is in its foreground. */
  take(workload: Pid | undefined): void;
  isInForeground(workload: Pid): boolean;
  /** Stops init's own group, with the rest of the job. Returns once it runs again. */
  suspend(): void;
}

const SIGTSTP = signalNumber('SIGTSTP');

/** @returns undefined where init has no controlling terminal */
export function openTerminal(watch: SignalWatch): Terminal | undefined {
  const terminal = openControllingTerminal();
  if (terminal === undefined) return undefined;
  // Below unshare(1) it may be 0: a group that has no number here. The terminal cannot be handed back to that one.
  const init = ownProcessGroup();

  // Every step may fail for a terminal that hung up, or a group that has just gone: there is nobody to hand it to.
  return {
    isOwn: [0, 1].every(isControllingTerminal),
    give(workload) {
      attempt(() => {
        if (isInForeground(terminal)) setForegroundGroup(terminal, workload);
      });
    },
    take(workload) {
      attempt(() => {
        const foreground = foregroundGroup(terminal);
        if (foreground === workload || !isAlive(foreground)) setForegroundGroup(terminal, init);
      });
    },
    isInForeground(workload) {
      let isForeground = false;
      attempt(() => {
        isForeground = foregroundGroup(terminal) === workload;
      });
      return isForeground;
    },
    suspend() {
      // SIGTSTP whatever stopped the workload: SIGTTIN and SIGTTOU are blocked in this thread, so it would run on.
      watch.stop(SIGTSTP);
      attempt(() => kill(0, SIGTSTP));
      // Here a SIGCONT has woken init, and is about to be delivered; or the kernel ignored the stop.
      watch.start(SIGTSTP);
    },
  };
}

function isAlive(group: Pid): boolean {
  try {
    kill(-group, 0 as Signal);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
