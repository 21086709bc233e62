import type { Log } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import { exitNow, kill, setProcessName } from '../native/process.ts';
import type { SignalWatch } from '../native/signals.ts';
import { SystemError } from '../native/system-error.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { decodeWaitStatus, type Ended, exitStatus } from '../reaper/wait-status.ts';
import { type RealTimeRange, signalName, signalNumber } from '../signals/signal-names.ts';
import { now } from '../timers.ts';
import { attempt } from './attempt.ts';
import { Failure } from './failure.ts';
import { fromBytes, type Inherited } from './inherited.ts';
import { createJobControl } from './job-control.ts';
import { letGo } from './let-go.ts';
import type { InitOptions } from './options.ts';
import { createRestarts } from './restarts.ts';
import type { Command } from './start-workload.ts';
import { createStop } from './stop.ts';
import { createSurvivors, signalTree } from './survivors.ts';

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

/** What init has done before the workload ran, and what it did it with. */
export interface Started {
  readonly command: Command | undefined;
  /** The workload; undefined with `pause`. */
  readonly workload: Pid | undefined;
  /** Starts it again. @throws Failure, SystemError */
  readonly start: (command: Command) => Pid;
  readonly options: InitOptions;
  readonly inherited: Inherited;
  readonly realTime: RealTimeRange;
  readonly log: Log;
  readonly watch: SignalWatch;
  /** The signals that the workload started out ignoring. */
  readonly ignored: readonly Signal[];
  /** The controlling terminal. */
  readonly terminal: number | undefined;
  /** Why init is no subreaper. */
  readonly notSubreaper: Error | undefined;
}

/**
 * The life of init once the workload runs: forwards signals, reaps, ends the survivors, starts the workload again or
 * ends the process.
 * @returns what is to be called with every signal that init gets
 */
export function supervise({
  command,
  workload: started,
  start,
  options,
  inherited,
  realTime,
  log,
  watch,
  ignored,
  terminal,
  notSubreaper,
}: Started): (signal: Signal) => void {
  const jobControl = terminal === undefined ? undefined : createJobControl(terminal, watch);
  const nextRestart = createRestarts(options.restart);
  const survivors = createSurvivors({
    graceMs: options.graceMs,
    giveUp: () => {
      if (phase === 'running') return;
      isLeftBehind = true;
      lifeOver();
    },
    reap: () => reapLoop.take(),
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

  const name = (signal: Signal) => signalName(signal, realTime);
  const described = (change: Ended) =>
    change.kind === 'exited' ? { code: change.code } : { signal: name(change.signal) };
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

  function lifeStarted(started: Pid): void {
    workload = started;
    phase = 'running';
    startedAt = now();
    jobControl?.giveTerminal(workload);
    log('info', 'workload started', { workload, program: fromBytes((command as Command)[0]) });
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

  function childChanged(pid: Pid, status: number): void {
    if (pid !== workload && !logsOrphans) return;
    const change = decodeWaitStatus(status);
    if (pid === workload) {
      if (change.kind === 'stopped') jobControl?.workloadStopped(change.signal);
      else workloadEnded(change);
    } else if (change.kind !== 'stopped') {
      log('debug', 'orphan reaped', { orphan: pid, ...described(change) });
    }
  }

  function workloadEnded(change: Ended): void {
    endedAt = now();
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
    const lifeMs = (phase === 'remaining' ? now() : endedAt) - startedAt;
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
      lifeStarted(start(command as Command));
    } catch (error) {
      // It could be started before. This counts as a life that failed.
      log('error', (error as Error).message);
      status = error instanceof Failure ? error.status : 125;
      startedAt = endedAt = now();
      lifeOver();
    }
  }

  function exit(): never {
    clearTimeout(restartTimer);
    log('info', 'exiting', { status });
    return exitNow(status);
  }

  if (started !== undefined) lifeStarted(started);
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

  return (signal) => {
    const failure = attempt(() => (signal === SIGCHLD ? reapLoop.wake() : received(signal)));
    if (failure !== undefined) log('error', 'init goes on', { error: failure.message });
  };
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
