import type { Log } from '../log/log.ts';
import { exitNow, kill } from '../native/process.ts';
import { type SignalWatch, setNoChildWait } from '../native/signals.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { decodeWaitStatus, type Ended } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import { Failure } from './failure.ts';
import { type Effect, type Event, initialState, type LogFields, type Policy, step } from './lifecycle.ts';
import { createSignalTree, type SignalTree } from './signal-tree.ts';
import { createSurvivors } from './survivors.ts';
import type { Terminal } from './terminal.ts';
import { openWorkloadPidfd, type WorkloadPidfd } from './workload-pidfd.ts';
import { signalWorkload } from './workload-signals.ts';

const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGTERM = signalNumber('SIGTERM');

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** What the interpreter does its work with. */
export interface Parts {
  readonly policy: Policy;
  readonly terminal: Terminal | undefined;
  readonly watch: SignalWatch;
  readonly log: Log;
  readonly nameOf: (signal: Signal) => string;
  /** What the log calls the workload. */
  readonly program: string;
  /** @throws Failure, SystemError */
  readonly start: () => Pid;
}

export interface Interpreter {
  /** Starts the first run. @throws Failure, SystemError: nothing runs then */
  begin(): void;
  /** To be called with every signal that init gets. */
  deliver(signal: Signal): void;
}

/** Feeds the lifecycle with what happens, and carries out what it says. */
export function createInterpreter({
  policy,
  terminal,
  watch,
  log,
  nameOf,
  program,
  start,
}: Parts): Interpreter {
  let state = initialState(policy);
  const events: Event[] = [];
  let isDispatching = false;
  let workload: Pid | undefined;
  let workloadPidfd: WorkloadPidfd | undefined;
  let timer: NodeJS.Timeout | undefined;
  const signalTree = createSignalTree();
  const survivors = createSurvivors({
    patienceMs: policy.options.graceMs,
    signalTree,
    giveUp: () => dispatch({ kind: 'survivors-out-of-reach' }),
    log,
  });
  const reapLoop = createReapLoop({
    onChild: childChanged,
    onDrained: (hasChildren) =>
      dispatch(hasChildren ? { kind: 'children-left' } : { kind: 'no-child-left', atMs: now() }),
    onFailure: (error) => dispatch({ kind: 'cannot-wait', message: error.message }),
    listen: (toChildren) => {
      if (toChildren) watch.start(SIGCHLD);
      else watch.stop(SIGCHLD);
    },
    setNoChildWait: (isOn) => void attempt(() => setNoChildWait(isOn)),
    reportStopped: terminal !== undefined,
  });

  /** An effect may bring about the next event: that one waits until all effects of this one are done. */
  function dispatch(event: Event): void {
    events.push(event);
    if (isDispatching) return;
    isDispatching = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const { state: after, effects } = step(policy, state, next);
      state = after;
      for (const effect of effects) {
        const failure = attempt(() => (carryOut[effect.kind] as (effect: Effect) => void)(effect));
        if (failure !== undefined) log('error', 'init goes on', { error: failure.message });
      }
    }
    isDispatching = false;
  }

  const carryOut: { readonly [Kind in Effect['kind']]: (effect: Of<Kind>) => void } = {
    start: startAgain,
    forward: (effect) => forward(effect, { workload, signalTree, log, nameOf }),
    ask({ everybody }) {
      if (!everybody) survivors.ask();
      else for (const signal of [SIGTERM, SIGCONT]) attempt(() => kill(-1, signal));
    },
    kill({ everybody }) {
      if (everybody) {
        attempt(() => kill(-1, SIGKILL));
        return;
      }
      workloadPidfd?.killGroup();
      // Zombies would only make the round longer.
      attempt(() => reapLoop.catchUp(workload));
      survivors.kill();
    },
    'forget-survivors'() {
      survivors.reset();
      workloadPidfd?.close();
      workloadPidfd = undefined;
    },
    'discard-statuses'({ discard }) {
      if (discard) reapLoop.discardStatuses();
      else reapLoop.keepStatuses();
    },
    'set-timer'({ timer: name, ms }) {
      timer = setTimeout(() => dispatch({ kind: 'timer', timer: name }), ms);
    },
    'clear-timer': () => clearTimeout(timer),
    'give-terminal'() {
      if (workload !== undefined) terminal?.give(workload);
    },
    'take-terminal': () => terminal?.take(workload),
    'check-terminal'({ stoppedBy }) {
      const workloadHasIt = workload !== undefined && terminal?.isInForeground(workload) === true;
      dispatch({ kind: 'terminal-checked', stoppedBy, workloadHasIt });
    },
    'continue-workload'() {
      // ESRCH: it has just ended, and its status is on the way.
      if (workload !== undefined) attempt(() => kill(-(workload as Pid), SIGCONT));
    },
    suspend() {
      terminal?.suspend();
      // A SIGCONT is delivered before this.
      setImmediate(() => dispatch({ kind: 'resumed' }));
    },
    log: ({ level, message, fields }) => log(level, message, named(fields)),
    exit: ({ status }) => exitNow(status),
  };

  function named({ signal, sent, ...fields }: LogFields = {}) {
    return {
      ...fields,
      ...(signal === undefined ? {} : { signal: nameOf(signal) }),
      ...(sent === undefined ? {} : { sent: nameOf(sent) }),
    };
  }

  function runs(started: Pid): void {
    workload = started;
    dispatch({ kind: 'workload-started', atMs: now(), workload, program });
    // It may have ended already.
    reapLoop.wake();
    setImmediate(() => {
      if (workload === started) workloadPidfd = openWorkloadPidfd(started, reapLoop.wake);
    });
  }

  function startAgain(): void {
    try {
      runs(start());
    } catch (error) {
      const status = error instanceof Failure ? error.status : 125;
      dispatch({ kind: 'start-failed', atMs: now(), status, message: (error as Error).message });
    }
  }

  function childChanged(pid: Pid, status: number): void {
    if (pid !== workload && !log.passes('debug')) return;
    const change = decodeWaitStatus(status);
    if (change.kind === 'stopped') {
      if (pid === workload) dispatch({ kind: 'workload-stopped', signal: change.signal });
    } else if (pid === workload) {
      workloadEnded(pid, change);
    } else {
      const how = change.kind === 'exited' ? { code: change.code } : { signal: nameOf(change.signal) };
      log('debug', 'orphan reaped', { orphan: pid, ...how });
    }
  }

  function workloadEnded(pid: Pid, how: Ended): void {
    workloadPidfd?.unwatch();
    const hadTerminal = terminal?.isInForeground(pid) === true;
    dispatch({ kind: 'workload-ended', atMs: now(), workload: pid, how, hadTerminal });
    // Its number may be another's soon.
    workload = undefined;
    reapLoop.wake();
  }

  return {
    begin() {
      if (policy.options.pause) log('info', 'pausing until a stop signal comes');
      else runs(start());
    },
    deliver(signal) {
      // Whichever it is: a SIGCHLD behind it may have been dropped.
      reapLoop.wake();
      if (signal === SIGCHLD) return;
      const failure = attempt(() => reapLoop.catchUp(workload));
      if (failure !== undefined) dispatch({ kind: 'cannot-wait', message: failure.message });
      dispatch({ kind: 'signal', signal });
    },
  };
}

function forward(
  { signal, sent, scope }: Of<'forward'>,
  {
    workload,
    signalTree,
    log,
    nameOf,
  }: Pick<Parts, 'log' | 'nameOf'> & { workload: Pid | undefined; signalTree: SignalTree },
): void {
  const names = { signal: nameOf(signal), sent: nameOf(sent) };
  const report = (error: Error | undefined) => {
    if (error === undefined) log('debug', 'signal forwarded', names);
    else log('warn', 'signal not forwarded', { ...names, error: error.message });
  };
  if (scope !== 'tree') {
    if (workload !== undefined) report(attempt(() => signalWorkload(workload, sent, scope)));
    return;
  }
  signalTree([sent], ({ refused, error }) => {
    if (refused === 0 || error !== undefined) report(error);
    else log('warn', 'signal not forwarded to all', { ...names, refused });
  });
}
