import { createLog, type LogFormat, type LogLevel } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import { becomeSubreaper, exitNow, kill, setParentDeathSignal, setProcessName } from '../native/process.ts';
import { blockInThisThread, watchSignals } from '../native/signals.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { type Ended, exitStatus, type WaitStatus } from '../reaper/wait-status.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalName, signalNumber } from '../signals/signal-names.ts';
import { Failure } from './failure.ts';
import { fromBytes, type Inherited } from './inherited.ts';
import { createJobControl } from './job-control.ts';
import { createRestarts, type RestartPolicy } from './restarts.ts';
import { type Command, letGo, signalsToIgnore, startWorkload } from './start-workload.ts';
import { createStop } from './stop.ts';
import { createSurvivors, signalTree } from './survivors.ts';

export interface InitOptions {
  /** Whom a forwarded signal reaches: the workload's process group, it alone, or every descendant. */
  readonly scope: 'group' | 'child' | 'tree';
  /** What to forward in place of a signal. */
  readonly rewrite: ReadonlyMap<Signal, Signal | 'drop'>;
  /** The exit status in place of the workload's. */
  readonly remapExit: ReadonlyMap<number, number>;
  /** What survivors get between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** What ends a life: the end of the workload, or that of the last descendant. */
  readonly until: 'main' | 'all';
  readonly stopDelayMs: number;
  readonly stopTimeoutMs: number | undefined;
  readonly restart: RestartPolicy;
  /** Run no workload. */
  readonly pause: boolean;
  /** What the kernel is to send init when its parent dies. */
  readonly parentDeathSignal: Signal | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What asks a container to end. */
const stopSignals = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const).map(signalNumber);
/** Of those, what Ctrl-C and Ctrl-\\ send. */
const typed = (['SIGINT', 'SIGQUIT'] as const).map(signalNumber);
/** By then start-up is over, and a workload that lives no longer is spared the work. */
const SETTLED_MS = 1000;
const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');

/**
 * A life of the workload. running: it runs, or there is none to run (--pause). remaining: it has ended, and its
 * descendants are waited for (--until all). ending: survivors are being ended. over: nothing is left of it, and the
 * next one is due.
 */
type Phase = 'running' | 'remaining' | 'ending' | 'over';

/**
 * Runs the command as its init and ends the process with its exit status. It returns while the workload runs: from then
 * on signals drive it.
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
  const ignored = signalsToIgnore(inherited).filter((signal) => forwarded.includes(signal));
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

  const jobControl = createJobControl(watch);
  const nextRestart = createRestarts(options.restart);
  const survivors = createSurvivors({
    graceMs: options.graceMs,
    giveUp: () => {
      if (phase === 'running') return;
      isLeftBehind = true;
      lifeOver();
    },
    log,
  });
  const stop = createStop({
    delayMs: options.stopDelayMs,
    timeoutMs: options.stopTimeoutMs,
    onTimeout: survivors.killNow,
    log,
  });
  const reapLoop = createReapLoop({
    onChild: childChanged,
    onDrained: childrenReaped,
    listen: (toChildren) => {
      if (toChildren) watch.start(SIGCHLD);
      else watch.stop(SIGCHLD);
    },
    reportStopped: jobControl !== undefined,
  });

  const logsOrphans = log.passes('debug');
  let phase: Phase = 'running';
  let workload: Pid | undefined;
  let startedAt = 0;
  let endedAt = 0;
  /** The exit status of this life, or of the last one. */
  let status = 0;
  /** The first stop signal: after it nothing is started any more. */
  let stoppedBy: Signal | undefined;
  /** A survivor could not be ended: no next life beside it. */
  let isLeftBehind = false;
  let restartTimer: NodeJS.Timeout | undefined;

  function startLife(started: Command): void {
    // A handler would be reset in the child; only an ignored signal stays ignored.
    for (const signal of ignored) watch.stop(signal);
    try {
      workload = startWorkload(started, inherited);
    } finally {
      for (const signal of ignored) watch.start(signal);
    }
    phase = 'running';
    startedAt = performance.now();
    jobControl?.giveTerminal(workload);
    log('info', 'workload started', { workload, program: fromBytes(started[0]) });
  }

  /** What the workload was started to ignore asks for nothing (nohup). */
  const isStop = (signal: Signal) => stopSignals.includes(signal) && !ignored.includes(signal);

  function received(signal: Signal): void {
    if (signal === SIGCONT) jobControl?.continued();
    const sent = options.rewrite.get(signal) ?? signal;
    if (sent === 'drop') log('debug', 'signal dropped', { signal: name(signal) });
    else if (isStop(signal)) stopReceived(signal, sent);
    else forward(signal, sent);
  }

  function stopReceived(signal: Signal, sent: Signal): void {
    const isSecond = stoppedBy !== undefined;
    stoppedBy ??= signal;
    if (phase === 'over') {
      exit();
    } else if (phase === 'ending') {
      if (isSecond) survivors.killNow();
    } else if (workload === undefined && phase === 'running') {
      endSurvivors();
    } else {
      stop.received(() => forward(signal, sent));
    }
  }

  function forward(signal: Signal, sent: Signal): void {
    if (workload === undefined && phase !== 'remaining') {
      log('debug', 'signal dropped, there is no workload', { signal: name(signal) });
      return;
    }
    const failure = attempt(() => {
      if (workload === undefined || options.scope === 'tree') signalTree(sent);
      else if (options.scope === 'child') kill(workload, sent);
      else signalGroup(workload, sent);
    });
    if (failure === undefined) log('debug', 'signal forwarded', { signal: name(signal), sent: name(sent) });
    else log('warn', 'signal not forwarded', { signal: name(signal), error: failure.message });
  }

  function childChanged(pid: Pid, change: WaitStatus): void {
    if (pid === workload) {
      if (change.kind === 'stopped') jobControl?.workloadStopped(change.signal);
      else workloadEnded(change);
    } else if (logsOrphans && change.kind !== 'stopped' && pid !== inherited.launcherChild) {
      log('debug', 'orphan reaped', { orphan: pid, ...described(change) });
    }
  }

  function workloadEnded(change: Ended): void {
    endedAt = performance.now();
    // Ctrl-C reaches the workload's group alone.
    if (change.kind === 'killed' && typed.includes(change.signal) && jobControl?.isWorkloadInForeground()) {
      stoppedBy ??= change.signal;
    }
    jobControl?.takeTerminal();
    log('info', 'workload ended', { workload, ...described(change) });
    status = exitStatus(change);
    workload = undefined;
    // Once a stop signal has come, nothing is waited for any longer than it takes to end it.
    phase = options.until === 'all' && stoppedBy === undefined ? 'remaining' : 'ending';
    if (phase === 'ending') stop.cancel();
  }

  function childrenReaped(hasChildren: boolean): void {
    if (!hasChildren) {
      if (phase === 'remaining' || phase === 'ending') lifeOver();
    } else if (phase === 'ending' || survivors.isKilling()) {
      survivors.advance();
    }
  }

  function endSurvivors(): void {
    phase = 'ending';
    reapLoop.wake();
  }

  function lifeOver(): void {
    if (phase === 'remaining' && status === 0 && stoppedBy !== undefined) status = 128 + stoppedBy;
    status = options.remapExit.get(status) ?? status;
    // The grace time that the survivors took is not life.
    const lifeMs = (phase === 'remaining' ? performance.now() : endedAt) - startedAt;
    phase = 'over';
    stop.cancel();
    survivors.reset();
    // A survivor may have had it until now.
    jobControl?.takeTerminal();
    const mayRestart = stoppedBy === undefined && !isLeftBehind;
    const delayMs = mayRestart ? nextRestart(status, lifeMs) : undefined;
    if (delayMs === undefined) exit();
    log('warn', 'restarting the workload', { status, delayMs });
    restartTimer = setTimeout(restart, delayMs);
  }

  function restart(): void {
    try {
      startLife(command as Command);
    } catch (error) {
      // It could be started before. This counts as a life that failed.
      log('error', (error as Error).message);
      status = error instanceof Failure ? error.status : 125;
      startedAt = endedAt = performance.now();
      lifeOver();
    }
  }

  function exit(): never {
    clearTimeout(restartTimer);
    log('info', 'exiting', { status });
    return exitNow(status);
  }

  const name = (signal: Signal) => signalName(signal, realTime);
  const described = (change: Ended) =>
    change.kind === 'exited' ? { code: change.code } : { signal: name(change.signal) };

  // Start the workload. From here on there is no way back: init that throws would end the container, so what fails
  // below is logged and survived.
  if (command !== undefined) startLife(command);
  else for (const signal of ignored) watch.start(signal);
  process.on('uncaughtException', (error) => log('error', 'init goes on', { error: error.message }));
  // A workload that may be started again needs its directory and descriptors again.
  if (options.restart.kind === 'no') attempt(() => letGo(inherited));
  attempt(() => setProcessName('subreaper'));
  // A SIGUSR1 while node started has opened its inspector, or does in a moment: not in an init, and on a port that the
  // workload may want.
  setImmediate(() => (process as { _debugEnd?: () => void })._debugEnd?.());
  setTimeout(() => attempt(giveBackFilePages), SETTLED_MS);
  if (command === undefined) log('info', 'pausing until a stop signal comes');
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }

  // Release the signals to it, and reap: it may have ended already.
  deliver = (signal) => {
    const failure = attempt(() => (signal === SIGCHLD ? reapLoop.wake() : received(signal)));
    if (failure !== undefined) log('error', 'init goes on', { error: failure.message });
  };
  for (const signal of held) deliver(signal);
  deliver(SIGCHLD);
}

function attempt(step: () => void): Error | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function signalGroup(workload: Pid, signal: Signal): void {
  try {
    kill(-workload, signal);
  } catch (error) {
    // It leads a group of its own, unless it has left that for another one.
    if (!(error instanceof SystemError && error.code === 'ESRCH')) throw error;
    kill(workload, signal);
  }
}
