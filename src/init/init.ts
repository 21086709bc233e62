import { createLog } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import {
  becomeSubreaper,
  exitNow,
  isSubreaper,
  setParentDeathSignal,
  setProcessName,
} from '../native/process.ts';
import { blockOnlyInThisThread, watchSignals } from '../native/signals.ts';
import type { Signal } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { killAtOnce } from '../process-tree/kill-at-once.ts';
import { descendants } from '../process-tree/process-table.ts';
import { faultSignals, forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalName, signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { fromBytes } from './byte-strings.ts';
import type { Command } from './command.ts';
import { createExplanations } from './explanations.ts';
import { recordFailedStart } from './failed-start.ts';
import { Failure, ForeignFailure } from './failure.ts';
import { handOverTerminal } from './hand-over-terminal.ts';
import type { Inherited } from './inherited.ts';
import { createInterpreter } from './interpreter.ts';
import { letGo } from './let-go.ts';
import type { Messages } from './messages.ts';
import { openBonds } from './open-bonds.ts';
import type { InitOptions } from './options.ts';
import { openRecords } from './records.ts';
import { createSignalLoops } from './signal-loops.ts';
import { signalsToIgnore, startWorkload } from './start-workload.ts';
import { openTerminal } from './terminal.ts';

const SIGCHLD = signalNumber('SIGCHLD');
/** Start-up has ended by then. A shorter workload does not pay for this work. */
const SETTLED_MS = 1000;
/** How long after a stop signal init says what it waits for: often enough for a reader, too rarely to fill a log. */
const SLOW_MS = [2000, 5000, 10_000, 30_000];

/**
 * Runs the command as its init, and ends the process with its exit status. Returns once the workload runs; events drive
 * init from then on.
 * @param command undefined with `pause`, which runs none
 * @param messages what init says beside its log
 * @throws Failure, ForeignFailure before the workload runs
 * @throws SystemError likewise, if a system call fails that must not
 */
export function init(
  command: Command | undefined,
  options: InitOptions,
  inherited: Inherited,
  realTime: RealTimeRange,
  messages?: Messages,
): void {
  try {
    start(command, options, inherited, realTime, messages);
  } catch (error) {
    attempt(() => recordFailedStart(options, error as Error));
    throw error;
  }
}

function start(
  command: Command | undefined,
  options: InitOptions,
  inherited: Inherited,
  realTime: RealTimeRange,
  messages: Messages | undefined,
): void {
  const log = createLog(options.logLevel, options.logFormat);

  // Hold every signal. The signals that the workload will ignore stay ignored: posix_spawn needs that.
  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  const watch = watchSignals((signal) => deliver(signal), true, createSignalLoops());
  const faults = options.catchFaults ? faultSignals() : [];
  const forwarded = [...forwardedSignals(realTime), ...faults];
  const ignored = signalsToIgnore(inherited.ignoredSignals).filter((signal) => forwarded.includes(signal));
  for (const signal of [SIGCHLD, ...forwarded]) if (!ignored.includes(signal)) watch.start(signal);
  // The kernel raises these against this thread for its own writes and terminal calls: they must not be forwarded. Those
  // sent to the process still arrive, through node's other threads.
  const ownCalls = (['SIGPIPE', 'SIGXFSZ', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);
  // The kernel prefers this thread to all others: a flood of real-time signals, none of which replaces another, would
  // interrupt it without end.
  const blocked = [...ownCalls, ...forwarded.filter((signal) => signal >= realTime.first)];
  // A fault of this thread then ends it, whatever the handler: signal(7). Those sent to the process arrive as well.
  blockOnlyInThisThread([...blocked, ...faults]);

  // Become a subreaper. PID 1 is one already.
  const isPid1 = process.pid === 1;
  const notSubreaper = isPid1 || !options.subreaper ? undefined : attempt(becomeSubreaper);
  if (options.parentDeathSignal !== undefined) {
    setParentDeathSignal(options.parentDeathSignal);
    // If the parent died before the call, the kernel sends nothing: send it here.
    if (process.ppid !== inherited.parentPid) held.push(options.parentDeathSignal);
  }
  const bonds = openBonds(options, inherited);

  // If wait4(2) is refused, init cannot see that a child ends. Find that out before the workload runs.
  const cannotWait = attempt(() => void waitForAny(false));
  if (cannotWait !== undefined) {
    throw new Failure(
      125,
      `cannot start, ${cannotWait.message}; allow wait4 in the container's seccomp profile`,
    );
  }

  const handOver = options.leads === 'session' ? handOverTerminal() : undefined;
  messages?.begin({ adoptsOrphans: isPid1 || isSubreaperForSure(), terminal: handOver?.terminal });

  // Start the workload. This is the point of no return: what fails in a system call from here on is logged and survived.
  // A workload that leads no group of its own has the terminal of those above, and no part of it is init's.
  const leadsGroup = options.leads === 'group' && bonds?.group === undefined;
  const terminal = leadsGroup ? openTerminal(watch) : undefined;
  const nameOf = (signal: Signal) => signalName(signal, realTime);
  const explanations = createExplanations({ ...options, isPid1, nameOf }, options, log);
  const records = openRecords(options, messages, log, nameOf);
  const interpreter = createInterpreter({
    policy: {
      options,
      isPid1,
      terminal: terminal === undefined ? 'none' : terminal.isOwn ? 'own' : 'shared',
      ignored,
      handOffSignals: handOver?.signals ?? [],
      keepsStatuses: records.needsStatuses !== undefined,
      slowMs: log.passes('warn') ? SLOW_MS : [],
    },
    terminal,
    watch,
    log,
    explanations,
    records,
    nameOf,
    program: command === undefined ? '' : fromBytes(command[0]),
    start() {
      try {
        return startWorkload(command as Command, inherited, {
          leads: options.leads,
          openTerminalAs: handOver?.openAs,
          group: bonds?.group,
        });
      } catch (error) {
        throw inWordsOf(messages, fromBytes((command as Command)[0]), error);
      } finally {
        // From now on they are forwarded too, for the workload may have installed a handler. Without one init ignores the
        // signal, as the workload does.
        for (const signal of ignored) attempt(() => watch.start(signal));
      }
    },
  });
  if (command === undefined) for (const signal of ignored) watch.start(signal);
  interpreter.begin();

  // An exception or a rejected promise from here on ends the workload's tree in order, and with it init.
  const fail = (error: Error): void => {
    const failure = attempt(() => interpreter.fail(error));
    if (failure === undefined) return;
    attempt(() => log('fatal', 'init has failed twice, it ends', { error: failure.message }));
    // Without order.
    endAtOnce();
  };
  process.on('uncaughtException', fail);
  // init ends with a workload, and never for lack of something to wait for.
  process.on('beforeExit', () => fail(new Error('no event can come any more')));

  // Release the held signals.
  deliver = bonds?.begin(interpreter) ?? interpreter.deliver;
  const undelivered = attempt(() => held.forEach(deliver));
  if (undelivered !== undefined) fail(undelivered);

  // Let go of the workload's descriptors and directory, unless it may be started again.
  if (options.restart.kind === 'no') attempt(() => letGo(inherited));
  attempt(() => setProcessName('subreaper'));
  setImmediate(() => {
    // After the first reaping: a workload that ends at once does not pay for this.
    watch.runLoops();
    closeInspector();
  });
  setTimeout(() => {
    // A thread of node opens it: on a busy machine only now.
    closeInspector();
    attempt(giveBackFilePages);
  }, SETTLED_MS);
  if (records.failure !== undefined) {
    const error = (records.failure as NodeJS.ErrnoException).code;
    // A file that is cut short is a SyntaxError, without a code.
    const isMissing = error === 'MODULE_NOT_FOUND' || error === undefined;
    const what = 'no report, trace or details of orphans';
    log('warn', `${what}; ${isMissing ? 'install subreaper again' : 'raise the limit of open files'}`, {
      error,
    });
  }
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }
}

/**
 * A SIGUSR1 before init has its own handler opens node's inspector. init must not have one, and the workload may want the
 * port. node has an option against it, --disable-sigusr1, but node 20 refuses to start with it, on its command line as well
 * as in NODE_OPTIONS, and to ask for the version takes the launcher a start of node.
 */
function closeInspector(): void {
  (process as { _debugEnd?: () => void })._debugEnd?.();
}

/** false as well if a seccomp profile refuses to tell. */
function isSubreaperForSure(): boolean {
  let is = false;
  attempt(() => {
    is = isSubreaper();
  });
  return is;
}

function inWordsOf(messages: Messages | undefined, program: string, error: unknown): unknown {
  const systemError = error instanceof Failure ? error.systemError : undefined;
  if (messages === undefined || systemError === undefined) return error;
  const { status, line } = messages.startFailed(program, systemError);
  return new ForeignFailure(status, line);
}

/** When PID 1 ends, the kernel kills everything left in the namespace. */
function endAtOnce(): never {
  if (process.pid !== 1) attempt(() => killAtOnce(() => descendants(process.pid)));
  exitNow(125);
}
