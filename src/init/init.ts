import { Failure } from '../lifecycle/failure.ts';
import { createLog, type Log } from '../log/log.ts';
import { attempt, orUndefined } from '../native/attempt.ts';
import { fromBytes } from '../native/byte-strings.ts';
import { giveBackStartMemory } from '../native/memory.ts';
import {
  becomeSubreaper,
  exitNow,
  isSubreaper,
  setParentDeathSignal,
  setProcessName,
} from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import { holdNumbersForSpawn } from '../native/spawn.ts';
import type { Pid } from '../native/types.ts';
import { waitForAny } from '../native/wait.ts';
import { createExplanations } from '../observe/explanations.ts';
import type { Messages } from '../observe/observer.ts';
import { createObservers } from '../observe/observers.ts';
import { killAtOnce } from '../process-tree/kill-tree.ts';
import { printable, programIn } from '../process-tree/printable-name.ts';
import { readDescendants } from '../process-tree/process-table.ts';
import { createBonds } from '../start/bonds.ts';
import type { Command } from '../start/command.ts';
import { handOverTerminal } from '../start/hand-over-terminal.ts';
import { type HeldSignals, holdSignals } from '../start/held-signals.ts';
import type { Inherited } from '../start/inherited.ts';
import { letGo, startWorkload } from '../start/start-workload.ts';
import { othersMayWriteCode } from '../start/writable-code.ts';
import { createInterpreter, type Interpreter } from '../supervise/interpreter.ts';
import { openTerminal } from '../supervise/terminal.ts';
import { recordFailedStart } from './failed-start.ts';
import type { InitOptions } from './options.ts';

/** Start-up has ended by then. A shorter workload does not pay for this work. */
const SETTLED_MS = 1000;
/** How long after a stop signal init says what it waits for: often enough for a reader, too rarely to fill a log. */
const SLOW_MS = [2000, 5000, 10_000, 30_000];

/**
 * Runs the command as its init, and ends the process with its exit status. Returns once the workload runs; events drive
 * init from then on.
 * @param command undefined with `pause`, which runs none
 * @param messages what init says beside its log
 * @throws Failure before the workload runs
 * @throws SystemError likewise, if a system call fails that must not
 */
export function init(
  command: Command | undefined,
  options: InitOptions,
  inherited: Inherited,
  messages?: Messages,
): void {
  try {
    start(command, options, inherited, messages);
  } catch (error) {
    // The error itself matters more.
    attempt(() => recordFailedStart(options, error as Error));
    throw error;
  }
}

function start(
  command: Command | undefined,
  options: InitOptions,
  inherited: Inherited,
  messages: Messages | undefined,
): void {
  const isPid1 = process.pid === 1;
  const log = createLog(options.logLevel, options.logFormat);
  holdNumbersForSpawn();
  const signals = holdSignals(options.catchFaults, inherited.ignoredSignals);
  // PID 1 is a subreaper already.
  const notSubreaper = isPid1 || !options.subreaper ? undefined : attempt(becomeSubreaper);
  askForParentDeathSignal(options, inherited, signals);
  const bonds = createBonds(options, options.parentDeathSignal, inherited);
  refuseWithoutWait();
  const handOver = options.leads === 'session' ? handOverTerminal() : undefined;
  messages?.begin?.({
    adoptsOrphans: isPid1 || orUndefined(isSubreaper) === true,
    terminal: handOver?.terminal,
  });
  // A workload that leads no group of its own has the terminal of those above, and no part of it is init's.
  const leadsGroup = options.leads === 'group' && bonds.group === undefined;
  const terminal = leadsGroup ? openTerminal(signals.watch) : undefined;
  const explanations = createExplanations(options, log);
  // Another run needs the descriptors and the directory of the first.
  const mayRestart = options.restart.kind !== 'no';
  const observers = createObservers(options, log);
  if (messages?.observer !== undefined) observers.add(messages.observer);
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
      keepsStatuses: observers.needsStatuses() !== undefined,
      slowMs: log.passes('warn') ? SLOW_MS : [],
    },
    terminal,
    watch: signals.watch,
    log,
    explanations,
    observers,
    program: command === undefined ? '' : printable(fromBytes(command[0])),
    start: () => startCommand(command as Command, inherited, place, signals, messages),
  });
  if (command === undefined) signals.watchIgnored();
  // What cannot be loaded now is tried again when it is needed.
  if (othersMayWriteCode()) for (const part of [explanations, log]) attempt(() => part.load());

  // Start the workload: the point of no return. What fails in a system call from here on is logged and survived.
  interpreter.begin();

  const fail = endOnException(interpreter, log);
  const undelivered = attempt(() => signals.deliverTo(bonds.begin(interpreter)));
  if (undelivered !== undefined) fail(undelivered);
  // Neither is worth a workload's life: a directory stays pinned, or `ps` shows another name.
  if (!mayRestart) attempt(() => letGo(inherited));
  // As above.
  attempt(() => setProcessName('subreaper'));
  finishLater(signals.watch);
  sayWhatIsMissing(observers.failure, notSubreaper, log);
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
    const { status, line } = messages.startFailed(printable(programIn(fromBytes(command[0]))), systemError);
    throw new Failure(status, line.trimEnd(), systemError, line);
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
    // The log may be what has failed.
    attempt(() => log('fatal', 'init failed; exiting', { error: failure.message }));
    endAtOnce();
  }
  process.on('uncaughtException', fail);
  // init ends with a workload, and never for lack of something to wait for.
  process.on('beforeExit', () => fail(new Error('nothing left to wait for')));
  return fail;
}

/** Without order. When PID 1 ends, the kernel kills everything left in the namespace. */
function endAtOnce(): never {
  // Whatever it throws, the end comes next.
  if (process.pid !== 1) attempt(() => killAtOnce(() => readDescendants(process.pid)));
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
    // Some memory stays in use.
    attempt(giveBackStartMemory);
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

function sayWhatIsMissing(failure: Error | undefined, notSubreaper: Error | undefined, log: Log): void {
  if (failure !== undefined) {
    const error = (failure as NodeJS.ErrnoException).code;
    // A file that is cut short is a SyntaxError, without a code.
    const isMissing = error === 'MODULE_NOT_FOUND' || error === undefined;
    const advice = isMissing ? 'reinstall subreaper' : 'raise the limit on open files';
    log('warn', `no report, trace, phases or details of orphans; ${advice}`, { error });
  }
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }
}
