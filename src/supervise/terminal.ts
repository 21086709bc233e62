import { attempt } from '../native/attempt.ts';
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
import { SIGTSTP } from '../signals/numbers.ts';

export type Terminal = NonNullable<ReturnType<typeof openTerminal>>;

/**
 * The controlling terminal and its foreground group. init and the workload are two process groups of one job: the shell
 * above sees init as the job, the terminal sees the workload. SIGTTIN and SIGTTOU must be blocked.
 * @returns undefined if init has no controlling terminal
 */
export function openTerminal(watch: SignalWatch) {
  const terminal = openControllingTerminal();
  if (terminal === undefined) return undefined;
  // Under unshare(1) it may be 0: the group has no number in this namespace. Then the terminal cannot be given back.
  const init = ownProcessGroup();

  return {
    /** Whether standard input and output are both this terminal. In a pipeline, other members may want it. */
    isOwn: [0, 1].every(isControllingTerminal),
    /** Gives it to the workload's group, if init is in the foreground. */
    give(workload: Pid | undefined): void {
      // The terminal has hung up, or the group is just gone: nobody needs it.
      attempt(() => {
        if (workload !== undefined && isInForeground(terminal)) setForegroundGroup(terminal, workload);
      });
    },
    /** Takes it back for init, if the foreground group is the workload's, or has no process left. */
    take(workload: Pid | undefined): void {
      // As above.
      attempt(() => {
        const foreground = foregroundGroup(terminal);
        if (foreground === workload || !isAlive(foreground)) setForegroundGroup(terminal, init);
      });
    },
    isInForeground(workload: Pid | undefined): boolean {
      let isForeground = false;
      // A terminal that has hung up is nobody's.
      attempt(() => {
        isForeground = foregroundGroup(terminal) === workload;
      });
      return isForeground;
    },
    /** Stops init's own group, with the rest of the job. Returns once it runs again. */
    suspend(): void {
      // Always SIGTSTP, whatever stopped the workload: this thread blocks SIGTTIN and SIGTTOU, and would run on.
      watch.stop(SIGTSTP);
      // If a seccomp profile refuses it, init runs on.
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
