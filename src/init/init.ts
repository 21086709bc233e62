import { later } from '../later.ts';
import { createLog } from '../log/log.ts';
import { becomeSubreaper, kill, setParentDeathSignal } from '../native/process.ts';
import { blockInThisThread, watchSignals } from '../native/signals.ts';
import { openControllingTerminal } from '../native/terminal.ts';
import type { Pid, Signal } from '../native/types.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import type { Inherited } from './inherited.ts';
import type { InitOptions } from './options.ts';
import { type Command, signalsToIgnore, startWorkload } from './start-workload.ts';

const SIGCHLD = signalNumber('SIGCHLD');

/**
 * Runs the command as its init and ends the process with its exit status. It returns while the workload runs: from then
 * on signals drive it.
 *
 * Here is what has to happen before the workload runs, and `supervise` is the rest: loaded beside the workload's own
 * start, which waits for nothing that it does not need.
 * @param command undefined to run none, with `pause`
 * @throws Failure before the workload runs
 * @throws SystemError likewise, for a system call that must not fail
 */
export function init(
  command: Command | undefined,
  options: InitOptions,
  inherited: Inherited,
  realTime: RealTimeRange,
): void {
  const log = createLog(options.logLevel, options.logFormat);

  // Hold every signal. Those that the workload starts out ignoring stay ignored, as posix_spawn needs it.
  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  const watch = watchSignals((signal) => deliver(signal), true);
  const forwarded = forwardedSignals(realTime);
  const ignored = signalsToIgnore(inherited.ignoredSignals).filter((signal) => forwarded.includes(signal));
  for (const signal of [SIGCHLD, ...forwarded]) if (!ignored.includes(signal)) watch.start(signal);
  // What the kernel raises against this thread for its own writes and terminal calls is not to be forwarded. Sent to
  // the process, they still arrive: node's other threads take them.
  blockInThisThread((['SIGPIPE', 'SIGXFSZ', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber));

  // Become a subreaper. PID 1 is one already.
  const isPid1 = process.pid === 1;
  const notSubreaper = isPid1 ? undefined : attempt(becomeSubreaper);
  if (options.parentDeathSignal !== undefined) {
    setParentDeathSignal(options.parentDeathSignal);
    // A parent that died before the call sends nothing: do it in its place.
    if (process.ppid !== inherited.parentPid) held.push(options.parentDeathSignal);
  }

  const terminal = openControllingTerminal();
  // Who has a terminal may have to be handed it at once.
  if (terminal !== undefined) loadSupervise();

  // Start the workload. From here on there is no way back: init that throws would end the container, so what fails is
  // logged and survived.
  function start(started: Command): Pid {
    // A handler would be reset in the child; only an ignored signal stays ignored.
    for (const signal of ignored) watch.stop(signal);
    try {
      return startWorkload(started, inherited);
    } finally {
      for (const signal of ignored) watch.start(signal);
    }
  }
  const workload = command === undefined ? undefined : start(command);
  if (command === undefined) for (const signal of ignored) watch.start(signal);

  // Release the signals to it, and reap: it may have ended already.
  let supervise: ReturnType<typeof loadSupervise>;
  try {
    supervise = loadSupervise();
  } catch (error) {
    // Nobody would wait for it, or forward to it.
    if (workload !== undefined) attempt(() => kill(-workload as Pid, signalNumber('SIGKILL')));
    throw error;
  }
  deliver = supervise({
    command,
    workload,
    start,
    options,
    inherited,
    realTime,
    log,
    watch,
    ignored,
    terminal,
    notSubreaper,
  });
  for (const signal of held) deliver(signal);
  deliver(SIGCHLD);
}

function loadSupervise(): typeof import('./supervise.ts').supervise {
  return later<typeof import('./supervise.ts')>().supervise;
}
