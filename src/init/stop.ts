import type { Log } from '../log/log.ts';

/** When a stop signal goes through, and when patience ends: --stop-delay and --stop-timeout. */
export interface Stop {
  /** A stop signal has come; `pass` forwards it. */
  received(pass: () => void): void;
  /** The workload has ended: nothing is held or timed any more. */
  cancel(): void;
}

export function createStop({
  delayMs,
  timeoutMs,
  onTimeout,
  log,
}: {
  delayMs: number;
  timeoutMs: number | undefined;
  onTimeout: () => void;
  log: Log;
}): Stop {
  let isFirst = true;
  let passHeld: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function letThrough(pass: () => void): void {
    pass();
    if (timeoutMs === undefined || timer !== undefined) return;
    timer = setTimeout(() => {
      log('warn', 'stop timeout: the workload still runs', { stopTimeoutMs: timeoutMs });
      onTimeout();
    }, timeoutMs);
  }

  function release(): void {
    clearTimeout(timer);
    timer = undefined;
    const pass = passHeld;
    passHeld = undefined;
    if (pass !== undefined) letThrough(pass);
  }

  return {
    received(pass) {
      if (isFirst && delayMs > 0) {
        log('warn', 'stop signal held', { stopDelayMs: delayMs });
        passHeld = pass;
        timer = setTimeout(release, delayMs);
      } else {
        // A second one ends the delay: the first goes before it.
        if (passHeld !== undefined) release();
        letThrough(pass);
      }
      isFirst = false;
    },
    cancel() {
      clearTimeout(timer);
      timer = undefined;
      passHeld = undefined;
    },
  };
}
