import { aBoolean, aFunction, type Rule, readOptions, rule } from '../arguments/check-arguments.ts';
import { orphanEvent, type ReapedOrphan } from '../events/orphan.ts';
import { orUndefined } from '../native/attempt.ts';
import { requireModule } from '../native/require.ts';
import { nextTick } from '../native/timers.ts';
import { killAtOnce } from '../process-tree/kill-tree.ts';
import { hasEnded, type ProcessInfo, readProcess, whyNoProc } from '../process-tree/process-table.ts';
import { keepReserve } from '../process-tree/reserve.ts';
import { isSubscribed, publish } from './channels.ts';
import { announceOrphan, type Participant } from './orphan-loop.ts';
import { joinReaper } from './reaper.ts';

/** The methods of a pino logger that `register` uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RegisterOptions {
  /** Called on the event loop for each reaped orphan. An error that it throws is an uncaught exception. */
  readonly onReap?: (orphan: ReapedOrphan) => void;
  /**
   * Whether something else in this process waits for a child: a native addon such as node-pty. Called for children that
   * are not node's own. Must not throw.
   */
  readonly owns?: (pid: number) => boolean;
  /**
   * SIGKILL the adopted orphans and their descendants when this process ends. As PID 1 the kernel does so anyway. A warning
   * says if /proc does not show them.
   */
  readonly killOrphansOnExit?: boolean;
  /** Gets a debug record for each orphan, and warnings. */
  readonly logger?: Logger;
}

export interface Registration {
  /** How many orphans have been reaped during this registration. */
  readonly reaped: number;
  /** The adopted orphans that are running now; none after `unregister`, and none without a usable /proc. */
  orphans(): ProcessInfo[];
  /** Ends this registration. The last one restores the process as it was; orphans adopted so far stay its children. */
  unregister(): void;
}

/**
 * Makes this process its own init. It adopts the orphans below it and reaps them, but never touches its own children. As
 * PID 1 it ends on a signal that the app does not listen for. This does not keep the event loop alive. You may call it any
 * number of times, from any number of copies of this package. In worker threads and on systems other than Linux it does
 * nothing.
 *
 * All of this happens on the event loop. While the loop is blocked, nothing is reaped, and a signal ends the process only
 * when the loop turns again. Worker threads started before are not watched: the orphans they leave behind are reaped with
 * the next child.
 * @throws TypeError for an unknown option, or one of the wrong type
 * @throws Error if koffi, a dependency, has no addon for this platform
 */
export function register(options?: RegisterOptions): Registration {
  const { onReap, owns, killOrphansOnExit, logger } = readOptions('register', options, rules);
  const participant: Participant = {
    owns,
    beforeReaping: onReap || logger ? (pid) => announceOrphan(pid, tell) : undefined,
  };
  // Each in a separate tick: an error in one of them stops neither the others nor the reaping.
  function tell(orphan: ReapedOrphan): void {
    if (onReap) nextTick(onReap, orphan);
    if (logger) nextTick(() => logger.debug(orphanEvent(orphan), 'orphan reaped'));
  }
  const warn = logger && ((message: string) => logger.warn({}, message));
  const reaper = joinReaper(participant, warn);
  if (reaper === undefined) {
    logger?.debug({}, 'no orphans are reaped here: not Linux, or a worker thread');
    return { reaped: 0, orphans: () => [], unregister: () => {} };
  }

  const orphans = () =>
    reaper
      .orphans()
      .map(readProcess)
      .filter((info): info is ProcessInfo => info !== undefined && !hasEnded(info));
  const forgetExit = killOrphansOnExit === true && process.pid !== 1 ? killOnExit(orphans, logger) : () => {};
  const reapedBefore = reaper.reaped;
  let reapedInAll: number | undefined;
  return {
    get reaped() {
      return (reapedInAll ?? reaper.reaped) - reapedBefore;
    },
    orphans: () => (reapedInAll === undefined ? orphans() : []),
    unregister() {
      if (reapedInAll !== undefined) return;
      forgetExit();
      reaper.leave(participant);
      reapedInAll = reaper.reaped;
    },
  };
}

const rules: Readonly<Record<keyof RegisterOptions, Rule>> = {
  onReap: aFunction,
  owns: aFunction,
  killOrphansOnExit: aBoolean,
  logger: rule(isLogger, 'an object with the methods debug and warn, such as a pino logger'),
};

function isLogger(value: unknown): boolean {
  const { debug, warn } = (value ?? {}) as Partial<Logger>;
  return typeof debug === 'function' && typeof warn === 'function';
}

/** @returns a function that takes it back */
function killOnExit(orphans: () => ProcessInfo[], logger: Logger | undefined): () => void {
  const why = whyNoProc();
  if (why !== undefined) {
    const message = `killOrphansOnExit: ${why}`;
    if (logger) logger.warn({}, message);
    else process.emitWarning(`subreaper: ${message}`);
  }
  const giveBackReserve = keepReserve();
  // For process.exit, and for every signal that ends the process. Loaded only when it is needed.
  const { onExit } = requireModule('signal-exit') as typeof import('signal-exit');
  const forgetExit = onExit(() => killOrphans(orphans));
  return () => {
    forgetExit();
    giveBackReserve();
  };
}

function killOrphans(orphans: () => ProcessInfo[]): void {
  if (isSubscribed('kill')) {
    // If no descriptor is left, they are killed all the same.
    const processes = orUndefined(() => orphans().length);
    if (processes !== 0) publish({ event: 'kill', processes });
  }
  killAtOnce(orphans);
}
