import type { Log } from '../log/log.ts';
import { giveBackFilePages } from '../native/memory.ts';
import { closePidfd, openPidfd } from '../native/pidfd.ts';
import { pollReadable } from '../native/poll.ts';
import { exitNow, kill, setProcessName } from '../native/process.ts';
import { type SignalWatch, setNoChildWait } from '../native/signals.ts';
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
import { createSignalTree } from './signal-tree.ts';
import type { Command } from './start-workload.ts';
import { createStop } from './stop.ts';
import { createSurvivors } from './survivors.ts';

/** What asks a container to end. */
const stopSignals = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const).map(signalNumber);
/** Of those, what Ctrl-C and Ctrl-\\ send. */
const typed = (['SIGINT', 'SIGQUIT'] as const).map(signalNumber);
/** By then start-up is over, and a workload that lives no longer is spared the work. */
const SETTLED_MS = 1000;
const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGTERM = signalNumber('SIGTERM');

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
  const signalTree = createSignalTree();
  const survivors = createSurvivors({
    patienceMs: options.graceMs,
    signalTree,
    giveUp: () => {
      // While the workload runs its own end is waited for.
      if (phase === 'running') return;
      isLeftBehind = true;
      lifeOver();
    },
    log,
  });
  const stop = createStop({
    delayMs: options.stopDelayMs,
    timeoutMs: options.stopTimeoutMs,
    onTimeout: killNow,
    log,
  });
  const reapLoop = createReapLoop({
    onChild: childChanged,
    onDrained: childrenReaped,
    onFailure: cannotWait,
    setNoChildWait: (isOn) => void attempt(() => setNoChildWait(isOn)),
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
  let graceTimer: NodeJS.Timeout | undefined;
  let haveBeenAsked = false;
  let isKilling = false;
  let unwatchEnd = () => {};

  function lifeStarted(started: Pid): void {
    workload = started;
    phase = 'running';
    unwatchEnd = watchEnd(started, reapLoop.wake);
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
    // If the workload has ended, this is the end's business.
    if (workload !== undefined) reapLoop.waitFor(workload);
    const isSecond = stoppedBy !== undefined;
    stoppedBy ??= signal;
    if (phase === 'over') {
      exit();
    } else if (phase === 'ending') {
      if (isSecond) killNow();
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
    const names = { signal: name(signal), sent: name(sent) };
    const notForwarded = (error: Error) =>
      log('warn', 'signal not forwarded', { ...names, error: error.message });
    if (workload === undefined || options.scope === 'tree') {
      signalTree([sent], ({ sent: processes, refused, error }) => {
        if (error !== undefined) notForwarded(error);
        else if (refused > 0) log('warn', 'signal not forwarded to all', { ...names, processes, refused });
        else log('debug', 'signal forwarded', { ...names, processes });
      });
      return;
    }
    const group = workload;
    const failure = attempt(() => (options.scope === 'child' ? kill(group, sent) : signalGroup(group, sent)));
    if (failure === undefined) log('debug', 'signal forwarded', names);
    else notForwarded(failure);
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
    unwatchEnd();
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
    if (phase === 'ending') endSurvivors();
    reapLoop.wake();
  }

  function childrenReaped(hasChildren: boolean): void {
    if (!hasChildren) {
      if (phase === 'remaining' || phase === 'ending') lifeOver();
    } else if (isKilling) {
      killNow();
    } else if (phase === 'ending' && !haveBeenAsked) {
      askSurvivors();
    }
  }

  /** The grace time begins, if there turn out to be any. */
  function endSurvivors(): void {
    phase = 'ending';
    stop.cancel();
    // Nobody needs a status any more, unless it is logged; nor does anybody once they are being killed.
    if (!logsOrphans) reapLoop.discardStatuses();
    graceTimer = setTimeout(killNow, options.graceMs);
    reapLoop.wake();
  }

  function askSurvivors(): void {
    if (options.graceMs === 0) {
      killNow();
      return;
    }
    haveBeenAsked = true;
    log('info', 'asking survivors to end', { graceMs: options.graceMs });
    if (isLastOfPid1()) for (const signal of [SIGTERM, SIGCONT]) attempt(() => kill(-1, signal));
    else survivors.ask();
  }

  /** Whether init ends with this life, and the kernel ends the namespace with init. */
  function isLastOfPid1(): boolean {
    return process.pid === 1 && (options.restart.kind === 'no' || stoppedBy !== undefined);
  }

  function killNow(): void {
    clearTimeout(graceTimer);
    if (!isKilling) log('warn', 'killing what is left');
    isKilling = true;
    // The kernel kills whatever is left in the namespace of a PID 1 that ends, and waits for it: no race can be lost.
    if (isLastOfPid1() && workload === undefined) exit();
    if (workload === undefined) reapLoop.discardStatuses();
    if (isLastOfPid1()) attempt(() => kill(-1, SIGKILL));
    else survivors.kill();
  }

  function cannotWait(error: Error): void {
    log('fatal', 'children cannot be waited for, init ends', { error: error.message });
    if (process.pid !== 1) attempt(() => survivors.kill());
    status = 125;
    exit();
  }

  function lifeOver(): void {
    if (phase === 'remaining' && status === 0 && stoppedBy !== undefined) status = 128 + stoppedBy;
    status = options.remapExit.get(status) ?? status;
    // The grace time that the survivors took is not life.
    const lifeMs = (phase === 'remaining' ? now() : endedAt) - startedAt;
    phase = 'over';
    stop.cancel();
    survivors.reset();
    clearTimeout(graceTimer);
    haveBeenAsked = false;
    isKilling = false;
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
      reapLoop.keepStatuses();
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
    reapLoop.wake();
    const failure = signal === SIGCHLD ? undefined : attempt(() => received(signal));
    if (failure !== undefined) log('error', 'init goes on', { error: failure.message });
  };
}

/** A second source of the workload's end, beside SIGCHLD: pidfd_open(2), Linux 5.3. @returns what ends the watch */
function watchEnd(workload: Pid, onEnd: () => void): () => void {
  const pidfd = openPidfd(workload);
  if (pidfd === undefined) return () => {};
  let stop = () => {};
  attempt(() => {
    stop = pollReadable(pidfd, onEnd, false);
  });
  return () => {
    stop();
    closePidfd(pidfd);
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
