import { kill, ownProcessGroup } from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import { foregroundGroup, openControllingTerminal, setForegroundGroup } from '../native/terminal.ts';
import type { Pid, Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';

/**
 * The controlling terminal, and who is in its foreground. init and the workload are two process groups of one
 * job: to the shell above, init is the job; to the terminal, the workload is. SIGTTOU must be blocked throughout.
 */
export interface JobControl {
  /** Hands the terminal to a workload that has just started, if init is in its foreground. */
  giveTerminal(workload: Pid): void;
  /** Hands it back to init if the workload, or nobody any more, is in its foreground. */
  takeTerminal(): void;
  /** Answers a stop of the workload; `signal` is what stopped it. */
  workloadStopped(signal: Signal): void;
  /** Notes a SIGCONT for init, before it is forwarded. */
  continued(): void;
}

const SIGCONT = signalNumber('SIGCONT');

/** @returns undefined where init has no controlling terminal */
export function createJobControl(watch: SignalWatch): JobControl | undefined {
  const terminal = openControllingTerminal();
  if (terminal === undefined) return undefined;
  const init = ownProcessGroup();
  const stopsFromTerminal = (['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);
  /** The workload's process group; no group has the number 0. */
  let workload = 0 as Pid;
  let wasContinued = false;

  /** Reads and sets the foreground group; a terminal that hung up, or a group that is gone, changes nothing. */
  function move(when: (foreground: Pid) => boolean, group: Pid): void {
    try {
      if (when(foregroundGroup(terminal as number))) setForegroundGroup(terminal as number, group);
    } catch {
      // ENOTTY or EIO after a hang-up, ESRCH if the workload ended this instant: there is nobody to hand it to.
    }
  }

  const giveTerminal = () => move((foreground) => foreground === init, workload);
  const takeTerminal = () => move((foreground) => foreground === workload || !isAlive(foreground), init);

  return {
    giveTerminal(started) {
      workload = started;
      giveTerminal();
      // It may have asked for the terminal before it had it, and been stopped for that.
      continueGroup(workload);
    },

    takeTerminal,

    workloadStopped(signal) {
      // A stop that somebody sent on purpose, by kill, is not the terminal's business.
      if (!stopsFromTerminal.includes(signal)) return;
      if (signal !== signalNumber('SIGTSTP') && isForeground(terminal, workload)) {
        // It touched the terminal just before init gave it away: by now it may.
        continueGroup(workload);
        return;
      }
      // Stop as the workload did, with the rest of the job (a pipeline, say), so that the shell above takes over.
      takeTerminal();
      wasContinued = false;
      watch.stop(signal);
      kill(0, signal);
      // Here a SIGCONT has woken init, and is about to be delivered; or there is no shell above (an orphaned process
      // group), the kernel ignored the stop, and the workload would sleep for good.
      watch.start(signal);
      setImmediate(() => {
        if (wasContinued) return;
        giveTerminal();
        continueGroup(workload);
      });
    },

    continued() {
      wasContinued = true;
      if (workload === 0) return;
      // Only if the shell put the job into the foreground (fg, not bg).
      giveTerminal();
    },
  };
}

function isForeground(terminal: number, group: Pid): boolean {
  try {
    return foregroundGroup(terminal) === group;
  } catch {
    return false;
  }
}

function continueGroup(group: Pid): void {
  try {
    kill(-group, SIGCONT);
  } catch {
    // ESRCH: it has just ended, and its status is on the way.
  }
}

function isAlive(group: Pid): boolean {
  try {
    kill(-group, 0 as Signal);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
