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
 * The controlling terminal and its foreground group. init and the workload are two process groups of one job: the shell
 * above sees init as the job, the terminal sees the workload. SIGTTIN and SIGTTOU must be blocked.
 */
export interface Terminal {
  /** Whether standard input and output are both this terminal. In a pipeline, other members may want it. */
  readonly isOwn: boolean;
  /** Gives it to the workload's group, if init is in the foreground. */
  give(workload: Pid): void;
  /** Takes it back for init, if the foreground group is the workload's, or has no process left. */
  take(workload: Pid | undefined): void;
  isInForeground(workload: Pid): boolean;
  /** Stops init's own group, with the rest of the job. Returns once it runs again. */
  suspend(): void;
}

const SIGTSTP = signalNumber('SIGTSTP');

/** @returns undefined if init has no controlling terminal */
export function openTerminal(watch: SignalWatch): Terminal | undefined {
  const terminal = openControllingTerminal();
  if (terminal === undefined) return undefined;
  // Under unshare(1) it may be 0: the group has no number in this namespace. Then the terminal cannot be given back.
  const init = ownProcessGroup();

  // Every step may fail, if the terminal hung up or the group is just gone: then nobody needs the terminal.
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
      // Always SIGTSTP, whatever stopped the workload: this thread blocks SIGTTIN and SIGTTOU, and would run on.
      watch.stop(SIGTSTP);
      attempt(() => kill(0, SIGTSTP));
      // By now a SIGCONT has woken init and is about to be delivered, or the kernel has ignored the stop.
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
