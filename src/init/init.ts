import { createLog } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import { becomeSubreaper, setParentDeathSignal, setProcessName } from '../native/process.ts';
import { blockInThisThread, watchSignals } from '../native/signals.ts';
import type { Signal } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalName, signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { fromBytes } from './byte-strings.ts';
import type { Command } from './command.ts';
import { Failure } from './failure.ts';
import type { Inherited } from './inherited.ts';
import { createInterpreter } from './interpreter.ts';
import { letGo } from './let-go.ts';
import type { InitOptions } from './options.ts';
import { createSignalLoops } from './signal-loops.ts';
import { signalsToIgnore, startWorkload } from './start-workload.ts';
import { openTerminal } from './terminal.ts';

const SIGCHLD = signalNumber('SIGCHLD');
/** By then start-up is over, and a workload that lives no longer is spared the work. */
const SETTLED_MS = 1000;

/**
 * Runs the command as its init and ends the process with its exit status. It returns while the workload runs: from then
 * on events drive it.
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
  const watch = watchSignals((signal) => deliver(signal), true, createSignalLoops());
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

  // Where wait4(2) is refused no end of a child can be known: better found out now than with a workload.
  const cannotWait = attempt(() => void waitForAny(false));
  if (cannotWait !== undefined) {
    throw new Failure(
      125,
      `cannot start, ${cannotWait.message}; allow wait4 in the container's seccomp profile`,
    );
  }

  // Start the workload. From here on there is no way back: init that throws would end the container, so what fails is
  // logged and survived.
  const terminal = openTerminal(watch);
  const interpreter = createInterpreter({
    policy: {
      options,
      isPid1,
      terminal: terminal === undefined ? 'none' : terminal.isOwn ? 'own' : 'shared',
      ignored,
      keepsStatuses: log.passes('debug'),
    },
    terminal,
    watch,
    log,
    nameOf: (signal) => signalName(signal, realTime),
    program: command === undefined ? '' : fromBytes(command[0]),
    start() {
      // A handler would be reset in the child; only an ignored signal stays ignored.
      for (const signal of ignored) watch.stop(signal);
      try {
        return startWorkload(command as Command, inherited);
      } finally {
        for (const signal of ignored) watch.start(signal);
      }
    },
  });
  if (command === undefined) for (const signal of ignored) watch.start(signal);
  interpreter.begin();

  // Release the signals to it.
  deliver = interpreter.deliver;
  for (const signal of held) deliver(signal);
  process.on('uncaughtException', (error) => log('error', 'init goes on', { error: error.message }));

  // Let go of what is the workload's, unless it may be started again.
  if (options.restart.kind === 'no') attempt(() => letGo(inherited));
  attempt(() => setProcessName('subreaper'));
  // A SIGUSR1 while node started has opened its inspector, or does in a moment: not in an init, and on a port that the
  // workload may want.
  setImmediate(() => {
    // After the first look at the workload: one that ends at once is spared the work.
    const deaf = attempt(watch.runLoops);
    if (deaf !== undefined) log('error', 'not every signal is forwarded', { error: deaf.message });
    (process as { _debugEnd?: () => void })._debugEnd?.();
  });
  setTimeout(() => attempt(giveBackFilePages), SETTLED_MS);
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }
}
