import { createLog, type Log } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import {
  becomeSubreaper,
  exitNow,
  isSubreaper,
  setParentDeathSignal,
  setProcessName,
} from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import type { Pid, Signal } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { killAtOnce } from '../process-tree/kill-at-once.ts';
import { descendants } from '../process-tree/process-table.ts';
import { type RealTimeRange, signalName } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { createBonds } from './bonds.ts';
import { fromBytes } from './byte-strings.ts';
import type { Command } from './command.ts';
import { createExplanations } from './explanations.ts';
import { recordFailedStart } from './failed-start.ts';
import { Failure, ForeignFailure } from './failure.ts';
import { handOverTerminal } from './hand-over-terminal.ts';
import { type HeldSignals, holdSignals } from './held-signals.ts';
import type { Inherited } from './inherited.ts';
import { createInterpreter, type Interpreter } from './interpreter.ts';
import { letGo } from './let-go.ts';
import type { Messages } from './messages.ts';
import { openRecords } from './open-records.ts';
import type { InitOptions } from './options.ts';
import type { Records } from './records.ts';
import { startWorkload } from './start-workload.ts';
import { openTerminal } from './terminal.ts';

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
  const isPid1 = process.pid === 1;
  const log = createLog(options.logLevel, options.logFormat);
  const signals = holdSignals(options, inherited.ignoredSignals, realTime);
  // PID 1 is a subreaper already.
  const notSubreaper = isPid1 || !options.subreaper ? undefined : attempt(becomeSubreaper);
  askForParentDeathSignal(options, inherited, signals);
  const bonds = createBonds(options, inherited);
  refuseWithoutWait();
  const handOver = options.leads === 'session' ? handOverTerminal() : undefined;
  messages?.begin({ adoptsOrphans: isPid1 || isSubreaperForSure(), terminal: handOver?.terminal });
  // A workload that leads no group of its own has the terminal of those above, and no part of it is init's.
  const leadsGroup = options.leads === 'group' && bonds.group === undefined;
  const terminal = leadsGroup ? openTerminal(signals.watch) : undefined;
  const nameOf = (signal: Signal) => signalName(signal, realTime);
  const explanations = createExplanations(() => ({ ...options, isPid1, nameOf }), options, log);
  // Another run needs the descriptors and the directory of the first.
  const mayRestart = options.restart.kind !== 'no';
  const records = openRecords(options, messages, log, nameOf);
  const place = {
    leads: options.leads,
    group: bonds.group,
    openTerminalAs: handOver?.openAs,
    leavesDirectory: !mayRestart,
  };
  const interpreter = createInterpreter({
    policy: {
      options,
      isPid1,
      terminal: terminal === undefined ? 'none' : terminal.isOwn ? 'own' : 'shared',
      ignored: signals.ignored,
      handOffSignals: handOver?.signals ?? [],
      keepsStatuses: records.needsStatuses !== undefined,
      slowMs: log.passes('warn') ? SLOW_MS : [],
    },
    terminal,
    watch: signals.watch,
    log,
    explanations,
    records,
    nameOf,
    program: command === undefined ? '' : fromBytes(command[0]),
    start: () => startCommand(command as Command, inherited, place, signals, messages),
  });
  if (command === undefined) signals.watchIgnored();

  // Start the workload: the point of no return. What fails in a system call from here on is logged and survived.
  interpreter.begin();

  const fail = endOnException(interpreter, log);
  const undelivered = attempt(() => signals.deliverTo(bonds.begin(interpreter)));
  if (undelivered !== undefined) fail(undelivered);
  if (!mayRestart) attempt(() => letGo(inherited));
  attempt(() => setProcessName('subreaper'));
  finishLater(signals.watch);
  sayWhatIsMissing(records, notSubreaper, log);
}

function askForParentDeathSignal(
  { parentDeathSignal }: InitOptions,
  { parentPid }: Inherited,
  signals: HeldSignals,
): void {
  if (parentDeathSignal === undefined) return;
  setParentDeathSignal(parentDeathSignal);
  // If the parent died before the call, the kernel sends nothing: send it here.
  if (process.ppid !== parentPid) signals.hold(parentDeathSignal);
}

/** If wait4(2) is refused, init cannot see that a child ends. Finds that out before the workload runs. */
function refuseWithoutWait(): void {
  const error = attempt(() => void waitForAny(false));
  if (error === undefined) return;
  const advice = "allow wait4 in the container's seccomp profile";
  throw new Failure(125, `cannot start, ${error.message}; ${advice}`);
}

/** false as well if a seccomp profile refuses to tell. */
function isSubreaperForSure(): boolean {
  let is = false;
  attempt(() => {
    is = isSubreaper();
  });
  return is;
}

function startCommand(
  command: Command,
  inherited: Inherited,
  place: Parameters<typeof startWorkload>[2],
  signals: HeldSignals,
  messages: Messages | undefined,
): Pid {
  try {
    return startWorkload(command, inherited, place);
  } catch (error) {
    const systemError = error instanceof Failure ? error.systemError : undefined;
    if (messages === undefined || systemError === undefined) throw error;
    const { status, line } = messages.startFailed(fromBytes(command[0]), systemError);
    throw new ForeignFailure(status, line);
  } finally {
    signals.watchIgnored();
  }
}

/**
 * Makes an exception or a rejected promise end the workload's tree in order, and with it init.
 * @returns what does that
 */
function endOnException(interpreter: Interpreter, log: Log): (error: Error) => void {
  function fail(error: Error): void {
    const failure = attempt(() => interpreter.fail(error));
    if (failure === undefined) return;
    attempt(() => log('fatal', 'init has failed, it ends', { error: failure.message }));
    endAtOnce();
  }
  process.on('uncaughtException', fail);
  // init ends with a workload, and never for lack of something to wait for.
  process.on('beforeExit', () => fail(new Error('no event can come any more')));
  return fail;
}

/** Without order. When PID 1 ends, the kernel kills everything left in the namespace. */
function endAtOnce(): never {
  if (process.pid !== 1) attempt(() => killAtOnce(() => descendants(process.pid)));
  exitNow(125);
}

/** What a workload that ends at once does not pay for. */
function finishLater(watch: SignalWatch): void {
  setImmediate(() => {
    // After the first reaping.
    watch.runLoops();
    closeInspector();
  });
  setTimeout(() => {
    // A thread of node opens it: on a busy machine only now.
    closeInspector();
    attempt(giveBackFilePages);
  }, SETTLED_MS);
}

/**
 * A SIGUSR1 before init has its own handler opens node's inspector. init must not have one, and the workload may want the
 * port. node has an option against it, --disable-sigusr1, but node 20 refuses to start with it, on its command line as well
 * as in NODE_OPTIONS, and to ask for the version takes the launcher a start of node.
 */
function closeInspector(): void {
  (process as { _debugEnd?: () => void })._debugEnd?.();
}

function sayWhatIsMissing({ failure }: Records, notSubreaper: Error | undefined, log: Log): void {
  if (failure !== undefined) {
    const error = (failure as NodeJS.ErrnoException).code;
    // A file that is cut short is a SyntaxError, without a code.
    const isMissing = error === 'MODULE_NOT_FOUND' || error === undefined;
    const advice = isMissing ? 'install subreaper again' : 'raise the limit of open files';
    log('warn', `no report, trace, phases or details of orphans; ${advice}`, { error });
  }
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }
}
