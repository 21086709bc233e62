import { kill, ownProcessGroup } from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import {
  foregroundGroup,
  isControllingTerminal,
  isInForeground,
  setForegroundGroup,
} from '../native/terminal.ts';
import type { Pid, Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';

/**
 * The controlling terminal, and who is in its foreground. init and the workload are two process groups of one
 * job: to the shell above, init is the job; to the terminal, the workload is. SIGTTIN and SIGTTOU must be blocked.
 */
export interface JobControl {
  /** Hands the terminal to a workload that has just started, if init is in its foreground. */
  giveTerminal(workload: Pid): void;
  /** Hands it back to init if the workload, or nobody any more, is in its foreground. */
  takeTerminal(): void;
  /** Whether the workload has the terminal: what ended it may have been typed. */
  isWorkloadInForeground(): boolean;
  /** Answers a stop of the workload; `signal` is what stopped it. */
  workloadStopped(signal: Signal): void;
  /** Notes a SIGCONT for init, before it is forwarded. */
  continued(): void;
}

const SIGCONT = signalNumber('SIGCONT');
const SIGSTOP = signalNumber('SIGSTOP');
const SIGTSTP = signalNumber('SIGTSTP');
const SIGTTIN = signalNumber('SIGTTIN');
const SIGTTOU = signalNumber('SIGTTOU');

/** @param terminal init's controlling terminal */
export function createJobControl(terminal: number, watch: SignalWatch): JobControl {
  // Below unshare(1) it may be 0: a group that has no number here. The terminal cannot be handed back to that one.
  const init = ownProcessGroup();
  /** The workload's process group; no group has the number 0. */
  let workload = 0 as Pid;
  let wasContinued = false;

  function isWorkloadInForeground(): boolean {
    return quietly(() => foregroundGroup(terminal) === workload) ?? false;
  }

  function give(): void {
    if (workload !== 0 && isInForeground(terminal)) quietly(() => setForegroundGroup(terminal, workload));
  }

  function take(): void {
    quietly(() => {
      const foreground = foregroundGroup(terminal);
      if (foreground === workload || !isAlive(foreground)) setForegroundGroup(terminal, init);
    });
  }

  return {
    giveTerminal(started) {
      workload = started;
      // With a pipe on either side init is one of several in the foreground, which may want the terminal too (less).
      // The workload then gets it when it asks for it.
      if (![0, 1].every(isControllingTerminal)) return;
      give();
      // It may have asked for the terminal before it had it, and been stopped for that.
      continueGroup(workload);
    },

    takeTerminal() {
      take();
      // Its number may be another group's soon.
      workload = 0 as Pid;
    },

    isWorkloadInForeground,

    workloadStopped(signal) {
      const asksForTerminal = signal === SIGTTIN || signal === SIGTTOU;
      if (asksForTerminal) give();
      if (asksForTerminal && isWorkloadInForeground()) {
        continueGroup(workload);
        return;
      }
      // A stop that somebody sent on purpose, by kill, is not the terminal's business; programs that have the terminal
      // stop themselves that way too (top).
      if (signal === SIGSTOP && !isWorkloadInForeground()) return;
      if (process.pid === 1) {
        // Nobody above could continue it. The kernel ignores such a stop of PID 1 itself.
        if (!asksForTerminal) continueGroup(workload);
        return;
      }
      // Stop as the workload did, with the rest of the job (a pipeline, say), so that the shell above takes over.
      take();
      wasContinued = false;
      // SIGTSTP whatever stopped the workload: SIGTTIN and SIGTTOU are blocked in this thread, so it would run on.
      watch.stop(SIGTSTP);
      kill(0, SIGTSTP);
      // Here a SIGCONT has woken init, and is about to be delivered; or there is no shell above (an orphaned process
      // group), and the kernel ignored the stop: what Ctrl-Z stopped would sleep for good. What asked for a terminal
      // that it cannot have would only ask again.
      watch.start(SIGTSTP);
      setImmediate(() => {
        if (wasContinued || asksForTerminal) return;
        give();
        continueGroup(workload);
      });
    },

    continued() {
      wasContinued = true;
      // Only if the shell put the job into the foreground (fg, not bg).
      give();
    },
  };
}

/** Undefined for a terminal that hung up, or a group that has just gone: there is nobody to hand it to. */
function quietly<Result>(step: () => Result): Result | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}

/** ESRCH: it has just ended, and its status is on the way. */
function continueGroup(group: Pid): void {
  quietly(() => kill(-group, SIGCONT));
}

function isAlive(group: Pid): boolean {
  try {
    kill(-group, 0 as Signal);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
