import type { Fields } from '../log/levels.ts';
import type { Log } from '../log/log.ts';
import { exitNow, kill, leaveNoCoreDump } from '../native/process.ts';
import { type SignalWatch, takeDefaultAction } from '../native/signals.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { killAtOnce } from '../process-tree/kill-at-once.ts';
import { descendants } from '../process-tree/process-table.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { isStopSignal } from '../signals/stop-signals.ts';
import { attempt } from './attempt.ts';
import { createChildren } from './children.ts';
import type { Explanations } from './explanations.ts';
import { statusOf } from './failure.ts';
import { createForward } from './forward.ts';
import type { BondEvent, Effect, Event, LogFields, Policy, TimerName } from './lifecycle/model.ts';
import { initialState, step } from './lifecycle.ts';
import type { Records } from './records.ts';
import { createSignalTree } from './signal-tree.ts';
import { createSurvivors } from './survivors.ts';
import type { Terminal } from './terminal.ts';

const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGSTOP = signalNumber('SIGSTOP');
const SIGTERM = signalNumber('SIGTERM');

/** The shortest time to retry an unreadable /proc, even if the grace time is shorter. */
const SHORTEST_PATIENCE_MS = 100;

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** The parts that the interpreter works with. */
export interface Parts {
  readonly policy: Policy;
  readonly terminal: Terminal | undefined;
  readonly watch: SignalWatch;
  readonly log: Log;
  readonly explanations: Explanations;
  readonly records: Records;
  readonly nameOf: (signal: Signal) => string;
  /** The workload's name in the log. */
  readonly program: string;
  /** @throws Failure, SystemError */
  readonly start: () => Pid;
}

export interface Interpreter {
  /** Starts the first run. @throws Failure, SystemError if nothing runs */
  begin(): void;
  /** Call it with every signal that init gets. */
  deliver(signal: Signal): void;
  /** Call it with the end of what init is bound to. */
  end(event: BondEvent): void;
  /** Call it with an exception that nothing has caught. @throws Error if the tree cannot be ended in order */
  fail(error: Error): void;
}

/** Passes events to the lifecycle, and carries out its effects. */
export function createInterpreter(parts: Parts): Interpreter {
  const { policy, terminal, log, explanations, records, nameOf, program, start } = parts;
  let state = initialState(policy);
  const events: Event[] = [];
  let isDispatching = false;
  let timer: NodeJS.Timeout | undefined;
  /** The timer that has fired, until its event is dealt with. */
  let fired: TimerName | undefined;
  /** What init has forwarded to this run of the workload. */
  const forwarded = new Set<Signal>();
  /** The signal that has ended the workload, or will: init's own SIGKILL. */
  let endedBy: Signal | undefined;
  /** When survivors were asked to end. */
  let askedAtMs: number | undefined;
  const mayRestart = policy.options.restart.kind !== 'no';
  const children = createChildren(
    { ...parts, mayRestart, ignored: policy.ignored },
    {
      workloadEnded(workload, how, hadTerminal) {
        const sent = [...forwarded];
        endedBy = how.kind === 'killed' ? how.signal : undefined;
        dispatch({ kind: 'workload-ended', atMs: now(), workload, how, hadTerminal, forwarded: sent });
      },
      workloadStopped: (signal) => dispatch({ kind: 'workload-stopped', signal }),
      terminalSignal: (signal) => dispatch({ kind: 'terminal-signal', signal }),
      drained: (hasChildren) =>
        dispatch(hasChildren ? { kind: 'children-left' } : { kind: 'no-child-left', atMs: now() }),
      cannotWait: (message) => dispatch({ kind: 'cannot-wait', message }),
    },
  );
  const patienceMs = Math.max(policy.options.graceMs, SHORTEST_PATIENCE_MS);
  const signalTree = createSignalTree(patienceMs, {
    workload: () => children.workload()?.pid,
    signalWorkload(signal) {
      const workload = children.workload();
      workload?.signal(signal, 'child');
      return workload !== undefined;
    },
    signalMost,
  });
  const forward = createForward({ workload: children.workload, signalTree, giveUp, log, nameOf });
  const survivors = createSurvivors({ patienceMs, signalTree, reapAgain: children.wake, giveUp });

  /** For want of /proc. As PID 1, init may signal everybody if everything is to end. */
  function signalMost(signal: Signal): Pid | 'everybody' | undefined {
    const isLast = policy.isPid1 && 'stoppedBy' in state && state.stoppedBy !== undefined;
    if (isLast && isStopSignal(signal)) {
      kill(-1, signal);
      return 'everybody';
    }
    const [workload, run] = [children.workload(), children.run()];
    workload?.signal(signal, 'group');
    return workload !== undefined || run?.signalLeft(signal) ? run?.pid : undefined;
  }

  function giveUp(why: string, error?: Error): void {
    dispatch({ kind: 'survivors-out-of-reach', why, error: error?.message });
  }

  /** An effect may cause another event, which waits until all effects of the current one are done. */
  function dispatch(event: Event): void {
    events.push(event);
    if (isDispatching) return;
    isDispatching = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) {
        const { state: after, effects } = step(policy, state, next);
        state = after;
        const unrecorded = attempt(() => records.follow(next, effects, after));
        for (const effect of effects) {
          const failure = attempt(() => (carryOut[effect.kind] as (effect: Effect) => void)(effect));
          if (failure === undefined) continue;
          if (effect.kind === 'exit') throw failure;
          log('error', 'init goes on', { error: failure.message });
        }
        if (unrecorded !== undefined) throw unrecorded;
      }
    } finally {
      isDispatching = false;
    }
  }

  const carryOut: { readonly [Kind in Effect['kind']]: (effect: Of<Kind>) => void } = {
    start: startAgain,
    forward(effect) {
      forwarded.add(effect.sent);
      forward(effect);
    },
    ask({ everybody }) {
      askedAtMs = now();
      if (!everybody) survivors.ask();
      else for (const signal of [SIGTERM, SIGCONT]) attempt(() => kill(-1, signal));
    },
    kill({ everybody }) {
      if (everybody) {
        attempt(() => kill(-1, SIGKILL));
        return;
      }
      children.run()?.signalLeft(SIGKILL);
      children.reapBeforeKill();
      if (children.workload() !== undefined) endedBy = SIGKILL;
      survivors.kill();
    },
    'signal-group'({ signal }) {
      // ESRCH: nothing is left of the group.
      attempt(() => children.run()?.signalGroup(signal));
    },
    'kill-at-once': () => killAtOnce(() => descendants(process.pid)),
    'forget-survivors'() {
      survivors.reset();
      askedAtMs = undefined;
      children.forgetRun();
    },
    'discard-statuses': ({ discard }) => children.discardStatuses(discard),
    'take-back': children.takeBack,
    'set-timer'({ timer: name, ms }) {
      fired = undefined;
      timer = setTimeout(() => {
        fired = name;
        dispatch({ kind: 'timer', timer: name });
        fired = undefined;
      }, ms);
    },
    'clear-timer'() {
      fired = undefined;
      clearTimeout(timer);
    },
    'give-terminal'() {
      const workload = children.workload();
      if (workload !== undefined) terminal?.give(workload.pid);
    },
    'take-terminal': () => terminal?.take(children.run()?.pid),
    'check-terminal'({ stoppedBy }) {
      const workload = children.workload();
      const workloadHasIt = workload !== undefined && terminal?.isInForeground(workload.pid) === true;
      dispatch({ kind: 'terminal-checked', stoppedBy, workloadHasIt });
    },
    'continue-workload'() {
      // ESRCH: the workload has just ended, and its status is on the way.
      attempt(() => children.workload()?.signal(SIGCONT, 'group'));
    },
    'stop-self': () => void attempt(() => kill(process.pid, SIGSTOP)),
    suspend() {
      terminal?.suspend();
      // A pending SIGCONT is delivered before this.
      setImmediate(() => dispatch({ kind: 'resumed' }));
    },
    explain({ what }) {
      const sinceAskedMs = askedAtMs === undefined ? undefined : now() - askedAtMs;
      const moment = { workload: children.workload()?.pid, ownChild: children.groupMember(), sinceAskedMs };
      const left = explanations.say(what, moment);
      if (what.kind === 'killing' || what.kind === 'stop-timeout') records.survivorsKilled(left);
    },
    log({ level, message, fields }) {
      if (level === 'fatal' || level === 'error') explanations.setLastWords(message);
      log(level, message, fields && named(fields));
    },
    exit({ status }) {
      explanations.leaveLastWords(status);
      records.write(status, explanations.lastWords(status));
      // As PID 1 the kernel kills the others as well, once this process gets that far: those that fork would hold it up.
      if (policy.options.survivors === 'end') children.run()?.signalLeft(SIGKILL);
      // An owner sees how the command has ended, as if there were no init.
      if (policy.options.untilOwner && endedBy !== undefined && status === 128 + endedBy) {
        attempt(() => endBy(endedBy as Signal));
      }
      exitNow(status);
    },
  };

  /** Signals by their names. */
  function named(fields: LogFields): Fields {
    const { signal, sent } = fields as { signal?: Signal; sent?: Signal };
    return {
      ...fields,
      ...(signal === undefined ? {} : { signal: nameOf(signal) }),
      ...(sent === undefined ? {} : { sent: nameOf(sent) }),
    } as Fields;
  }

  function workloadStarted(pid: Pid): void {
    forwarded.clear();
    explanations.forget();
    children.started(pid);
    dispatch({ kind: 'workload-started', atMs: now(), workload: pid, program });
  }

  function startAgain(): void {
    try {
      workloadStarted(start());
    } catch (error) {
      const status = statusOf(error as Error);
      dispatch({ kind: 'start-failed', atMs: now(), status, message: (error as Error).message });
    }
  }

  return {
    begin() {
      if (!policy.options.pause) {
        workloadStarted(start());
        return;
      }
      log('info', 'pausing until a stop signal comes');
      children.startedNone();
    },
    deliver(signal) {
      if (signal === SIGCHLD) {
        children.wake();
        return;
      }
      children.catchUp();
      dispatch({ kind: 'signal', signal });
    },
    end(event) {
      children.catchUp();
      dispatch(event);
    },
    fail(error) {
      // No event can end it any more.
      if (state.kind === 'exiting') throw error;
      dispatch({ kind: 'init-failed', message: error.message });
      // The exception came from its handler: nothing else would end the grace time.
      if (fired !== undefined) dispatch({ kind: 'timer', timer: fired });
      children.wake();
    },
  };
}

/** Ends init by a signal. Only an owner asks for it, so init is not PID 1, which the kernel would spare. */
function endBy(signal: Signal): void {
  leaveNoCoreDump();
  takeDefaultAction(signal);
  kill(process.pid, signal);
}
