import { createLog, type LogFormat, type LogLevel } from '../log/log.ts';
import { becomeSubreaper, exitNow, kill, setParentDeathSignal, setProcessName } from '../native/process.ts';
import { blockInThisThread, watchSignals } from '../native/signals.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { type Ended, exitStatus, type WaitStatus } from '../reaper/wait-status.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalName, signalNumber } from '../signals/signal-names.ts';
import { fromBytes, type Inherited } from './inherited.ts';
import { createJobControl } from './job-control.ts';
import { type Command, closeInheritedDescriptors, signalsToIgnore, startWorkload } from './start-workload.ts';

export interface InitOptions {
  /** Whom a forwarded signal reaches: the workload's process group, or the workload alone. */
  readonly scope: 'group' | 'child';
  /** What to forward in place of a signal. */
  readonly rewrite: ReadonlyMap<Signal, Signal | 'drop'>;
  /** The exit status in place of the workload's. */
  readonly remapExit: ReadonlyMap<number, number>;
  /** What the kernel is to send init when its parent dies. */
  readonly parentDeathSignal: Signal | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');

/**
 * Runs the command as its init and ends the process with its exit status. It returns while the workload runs:
 * from then on signals drive it.
 * @throws Failure before the workload runs
 * @throws SystemError likewise, for a system call that must not fail
 */
export function init(
  command: Command,
  options: InitOptions,
  inherited: Inherited,
  realTime: RealTimeRange,
): void {
  const isPid1 = process.pid === 1;
  const log = createLog(options.logLevel, options.logFormat);
  const program = fromBytes(command[0]);

  // Hold every signal. Those that the workload starts out ignoring stay ignored, as posix_spawn needs it.
  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  const watch = watchSignals((signal) => deliver(signal));
  const ignored = signalsToIgnore(inherited);
  const forwarded = forwardedSignals(realTime);
  for (const signal of [SIGCHLD, ...forwarded]) if (!ignored.includes(signal)) watch.start(signal);
  // What the kernel raises against this thread for its own writes and tcsetpgrp calls is not to be forwarded. Sent
  // to the process, both still arrive: node's other threads take them.
  blockInThisThread([signalNumber('SIGPIPE'), signalNumber('SIGTTOU')]);

  // Become a subreaper. PID 1 is one already.
  const notSubreaper = isPid1 ? undefined : attempt(becomeSubreaper);
  if (options.parentDeathSignal !== undefined) {
    setParentDeathSignal(options.parentDeathSignal);
    // A parent that died before the call sends nothing: do it in its place.
    if (process.ppid !== inherited.parentPid) held.push(options.parentDeathSignal);
  }

  // Start the workload. From here on there is no way back: init that throws would end the container, so what
  // fails below is logged and survived.
  const workload = startWorkload(command, inherited);
  const jobControl = createJobControl(workload, watch);
  jobControl?.giveTerminal();

  // Let go of what is the workload's, and pin no directory.
  closeInheritedDescriptors(inherited);
  process.chdir('/');
  for (const signal of ignored) if (forwarded.includes(signal)) watch.start(signal);
  attempt(() => setProcessName('subreaper'));

  log('info', 'workload started', { workload, program });
  if (notSubreaper !== undefined) {
    log('warn', 'not a subreaper: orphans will go to another process', { error: notSubreaper.message });
  }

  const target = options.scope === 'group' ? -workload : workload;
  const { reap } = createReapLoop(childChanged, { reportStopped: !isPid1 && jobControl !== undefined });

  function forward(signal: Signal): void {
    if (signal === SIGCONT) jobControl?.continued();
    const name = signalName(signal, realTime);
    const sent = options.rewrite.get(signal) ?? signal;
    if (sent === 'drop') {
      log('debug', 'signal dropped', { signal: name });
      return;
    }
    const failure = attempt(() => kill(target, sent));
    if (failure === undefined)
      log('debug', 'signal forwarded', { signal: name, sent: signalName(sent, realTime) });
    else log('warn', 'signal not forwarded', { signal: name, error: failure.message });
  }

  function childChanged(pid: Pid, status: WaitStatus): void {
    if (pid !== workload) {
      if (status.kind !== 'stopped') log('debug', 'orphan reaped', { orphan: pid, ...described(status) });
    } else if (status.kind === 'stopped') {
      jobControl?.workloadStopped(status.signal);
    } else {
      end(status);
    }
  }

  function described(status: Ended): Record<string, string | number> {
    return status.kind === 'exited' ? { code: status.code } : { signal: signalName(status.signal, realTime) };
  }

  function end(status: Ended): never {
    jobControl?.takeTerminal();
    const own = exitStatus(status);
    const exit = options.remapExit.get(own) ?? own;
    log('info', 'workload ended', { workload, ...described(status), exit });
    return exitNow(exit);
  }

  // Release the signals, and reap: the workload may have ended already.
  deliver = (signal) => {
    const failure = attempt(() => (signal === SIGCHLD ? reap() : forward(signal)));
    if (failure !== undefined) log('error', 'unexpected failure, init goes on', { error: failure.message });
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
