import type { Fields } from '../log/levels.ts';
import type { Log } from '../log/log.ts';
import { kernelTellsReapedStatus } from '../native/kernel-reaping.ts';
import { exitNow, kill } from '../native/process.ts';
import { ignoreSignal, type SignalWatch, setNoChildWait } from '../native/signals.ts';
import { now } from '../native/timers.ts';
import type { Pid, Signal } from '../native/types.ts';
import { lastUsage } from '../native/wait.ts';
import { killAtOnce } from '../process-tree/kill-at-once.ts';
import { descendants } from '../process-tree/process-table.ts';
import { createReapLoop } from '../reaper/reap-loop.ts';
import { decodeWaitStatus, type Ended } from '../reaper/wait-status.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';
import type { Explanations } from './explanations.ts';
import { Failure } from './failure.ts';
import { type GroupMember, joinGroup } from './group-member.ts';
import {
  type Effect,
  type Event,
  initialState,
  isStopSignal,
  type LogFields,
  type Policy,
  step,
} from './lifecycle.ts';
import type { OrphanLog } from './orphan-log.ts';
import { createPhases } from './phases.ts';
import type { Report } from './report.ts';
import { createSignalTree, type SignalTree } from './signal-tree.ts';
import { createSurvivors } from './survivors.ts';
import type { Terminal } from './terminal.ts';
import type { Trace } from './trace.ts';
import { createWorkload, type Workload } from './workload.ts';

const SIGCHLD = signalNumber('SIGCHLD');
const SIGCONT = signalNumber('SIGCONT');
const SIGKILL = signalNumber('SIGKILL');
const SIGTERM = signalNumber('SIGTERM');

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** The parts that the interpreter works with. */
export interface Parts {
  readonly policy: Policy;
  readonly terminal: Terminal | undefined;
  readonly watch: SignalWatch;
  readonly log: Log;
  readonly explanations: Explanations;
  /** With --report. */
  readonly report: Report | undefined;
  /** With --trace. */
  readonly trace: Trace | undefined;
  /** For the debug log. */
  readonly orphanLog: OrphanLog | undefined;
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
  /** Call it with an exception that nothing has caught. @throws Error if the tree cannot be ended in order */
  fail(error: Error): void;
}

/** Passes events to the lifecycle, and carries out its effects. */
export function createInterpreter({
  policy,
  terminal,
  watch,
  log,
  explanations,
  report,
  trace,
  orphanLog,
  nameOf,
  program,
  start,
}: Parts): Interpreter {
  let state = initialState(policy);
  const events: Event[] = [];
  let isDispatching = false;
  // The debug log, the report and the trace need the status of every orphan; job control needs to see what stopped.
  const needsWait = policy.keepsStatuses || terminal !== undefined;
  /** Where a Ctrl-C has to end the restarts. */
  let groupMember: GroupMember | undefined;
  let hasSaidWhoReaps = false;
  /** Set until its status has been taken. */
  let workload: Workload | undefined;
  /** The same workload, until no process of its run is left. */
  let run: Workload | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** What init has forwarded to this run of the workload. */
  const forwarded = new Set<Signal>();
  /** When survivors were asked to end. */
  let askedAtMs: number | undefined;
  const phases = createPhases(now, (ended) => {
    log('info', 'phase ended', { phase: ended.phase, tookMs: ended.tookMs });
    report?.phaseEnded(ended);
    trace?.phaseEnded(ended);
  });
  const signalTree = createSignalTree();
  const survivors = createSurvivors({
    patienceMs: policy.options.graceMs,
    signalTree,
    lookAgain: () => reapLoop.wake(),
    giveUp: () => dispatch({ kind: 'survivors-out-of-reach' }),
    log,
  });
  const lookers = [orphanLog, trace].filter((looker) => looker !== undefined);
  const reapLoop = createReapLoop({
    onChild: childChanged,
    onDrained(hasChildren) {
      if (hasChildren) dispatch({ kind: 'children-left' });
      else if (state.kind !== 'running') dispatch({ kind: 'no-child-left', atMs: now() });
      // Nothing would ever tell of the workload's end.
      else dispatch({ kind: 'cannot-wait', message: 'wait4 does not find the workload' });
    },
    onFailure: (error) => dispatch({ kind: 'cannot-wait', message: error.message }),
    listen: (toChildren) => {
      if (toChildren) watch.start(SIGCHLD);
      else watch.stop(SIGCHLD);
    },
    ignore: () => ignoreSignal(SIGCHLD),
    setNoChildWait: (isOn) => void attempt(() => setNoChildWait(isOn)),
    reportStopped: terminal !== undefined,
    reportUsage: policy.keepsStatuses,
    beforeReaping: lookers.length === 0 ? undefined : beforeReaping,
  });

  /** /proc still shows the child. */
  function beforeReaping(pid: Pid): void {
    for (const looker of lookers) looker.beforeReaping(pid);
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
        phases.follow(after);
        report?.follow(next, effects);
        trace?.follow(next, effects);
        for (const effect of effects) {
          const failure = attempt(() => (carryOut[effect.kind] as (effect: Effect) => void)(effect));
          if (failure !== undefined) log('error', 'init goes on', { error: failure.message });
        }
      }
    } finally {
      isDispatching = false;
    }
  }

  const carryOut: { readonly [Kind in Effect['kind']]: (effect: Of<Kind>) => void } = {
    start: startAgain,
    forward(effect) {
      forwarded.add(effect.sent);
      forward(effect, { workload, signalTree, log, nameOf });
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
      run?.killGroup();
      takeBack();
      // Zombies would only make this round longer.
      attempt(catchUp);
      survivors.kill();
    },
    'kill-at-once': () => killAtOnce(() => descendants(process.pid)),
    'forget-survivors'() {
      survivors.reset();
      askedAtMs = undefined;
      run?.close();
      run = undefined;
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
      if (workload !== undefined) terminal?.give(workload.pid);
    },
    'take-terminal': () => terminal?.take(run?.pid),
    'check-terminal'({ stoppedBy }) {
      const workloadHasIt = workload !== undefined && terminal?.isInForeground(workload.pid) === true;
      dispatch({ kind: 'terminal-checked', stoppedBy, workloadHasIt });
    },
    'continue-workload'() {
      // ESRCH: the workload has just ended, and its status is on the way.
      attempt(() => workload?.signal(SIGCONT, 'group'));
    },
    suspend() {
      terminal?.suspend();
      // A pending SIGCONT is delivered before this.
      setImmediate(() => dispatch({ kind: 'resumed' }));
    },
    explain({ what }) {
      const sinceAskedMs = askedAtMs === undefined ? undefined : now() - askedAtMs;
      const left = explanations.say(what, { workload: workload?.pid, sinceAskedMs });
      if (what.kind === 'killing' || what.kind === 'stop-timeout') report?.survivorsKilled(left);
    },
    log({ level, message, fields }) {
      if (level === 'fatal' || level === 'error') explanations.setLastWords(message);
      log(level, message, fields && named(fields));
    },
    exit({ status }) {
      leaveBehind(status);
      // As PID 1 the kernel kills the others as well, once this process gets that far: those that fork would hold it up.
      run?.killGroup();
      exitNow(status);
    },
  };

  function leaveBehind(status: number): void {
    explanations.leaveLastWords(status);
    write('report', () => report?.write(status, explanations.lastWords(status), Math.round(now())));
    write('trace', () => trace?.write(status));
  }

  function write(what: string, step: () => void): void {
    const failure = attempt(step);
    // The message would hold the file's name.
    const error = (failure as NodeJS.ErrnoException | undefined)?.code;
    if (failure !== undefined) log('warn', `the ${what} cannot be written`, { error });
  }

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
    const started = createWorkload(pid);
    forwarded.clear();
    explanations.forget();
    workload = started;
    run = started;
    dispatch({ kind: 'workload-started', atMs: now(), workload: pid, program });
    setImmediate(() => {
      // It may have ended already: then it does not need the rest.
      reapLoop.begin(pid);
      if (workload === started) attempt(() => watchRun(started));
      reapLoop.wake();
    });
  }

  function watchRun(started: Workload): void {
    if (terminal !== undefined && policy.options.restart.kind !== 'no') {
      attempt(() => {
        groupMember = joinGroup(started.pid, policy.ignored);
      });
    }
    const canBeLeft = started.openPidfd() && !needsWait && kernelTellsReapedStatus();
    if (canBeLeft && started.onReaped(reaped)) leaveToKernel();
    else {
      started.onZombie(reapLoop.wake);
      sayWhoReaps('init reaps orphans', { because: whyInitReaps() });
    }
  }

  function leaveToKernel(): void {
    reapLoop.leaveToKernel();
    sayWhoReaps('the kernel reaps orphans');
  }

  function sayWhoReaps(who: string, fields: Fields = {}): void {
    if (!hasSaidWhoReaps) log('info', who, fields);
    hasSaidWhoReaps = true;
  }

  function whyInitReaps(): string {
    if (orphanLog !== undefined) return 'the debug log tells how each orphan ended';
    if (trace !== undefined) return 'the trace shows each orphan';
    if (report !== undefined) return 'the report counts them';
    if (terminal !== undefined) return 'the workload is on a terminal';
    return 'the kernel cannot';
  }

  /** The kernel has reaped the workload. */
  function reaped(): void {
    takeReaped();
    if (workload === undefined) return;
    dispatch({ kind: 'cannot-wait', message: 'the kernel does not tell how the workload ended' });
  }

  function takeReaped(): void {
    const status = workload?.reapedStatus();
    if (workload !== undefined && status !== undefined) childChanged(workload.pid, status);
  }

  /** Takes the statuses of the children that have ended by now. */
  function catchUp(): void {
    if (reapLoop.isLeftToKernel()) takeReaped();
    else reapLoop.catchUp(workload?.pid);
  }

  /** Takes the workload's status before any orphan's: once it is reaped, an orphan may have its pid. */
  function takeBack(): void {
    if (!reapLoop.isLeftToKernel()) return;
    reapLoop.takeBack();
    takeReaped();
  }

  function startAgain(): void {
    try {
      workloadStarted(start());
    } catch (error) {
      const status = statusOf(error);
      dispatch({ kind: 'start-failed', atMs: now(), status, message: (error as Error).message });
    }
  }

  function startFirst(): void {
    try {
      workloadStarted(start());
    } catch (error) {
      explanations.setLastWords((error as Error).message);
      leaveBehind(statusOf(error));
      throw error;
    }
  }

  function childChanged(pid: Pid, status: number): void {
    const isWorkload = pid === workload?.pid;
    const isMember = pid === groupMember?.pid;
    if (!isWorkload && !isMember && !policy.keepsStatuses) return;
    const change = decodeWaitStatus(status);
    if (isMember) {
      if (change.kind !== 'stopped') memberEnded(change);
    } else if (change.kind === 'stopped') {
      if (isWorkload) dispatch({ kind: 'workload-stopped', signal: change.signal });
    } else if (isWorkload) {
      report?.workloadReaped(lastUsage());
      workloadEnded(pid, change);
    } else {
      report?.orphanReaped();
      trace?.reaped(pid, change);
      orphanLog?.reaped(pid, { status, usage: lastUsage() });
    }
  }

  function memberEnded(how: Ended): void {
    groupMember?.close();
    groupMember = undefined;
    if (how.kind === 'killed') dispatch({ kind: 'terminal-signal', signal: how.signal });
  }

  function workloadEnded(pid: Pid, how: Ended): void {
    workload?.unwatch();
    if (groupMember !== undefined) memberEnded(decodeWaitStatus(groupMember.end()) as Ended);
    const hadTerminal = terminal?.isInForeground(pid) === true;
    // Another process may have its pid soon.
    workload = undefined;
    const sent = [...forwarded];
    dispatch({ kind: 'workload-ended', atMs: now(), workload: pid, how, hadTerminal, forwarded: sent });
    reapLoop.takeBack();
    reapLoop.wake();
  }

  return {
    begin() {
      if (policy.options.pause) log('info', 'pausing until a stop signal comes');
      else startFirst();
      // Without a workload no status matters.
      if (policy.options.pause && !needsWait) leaveToKernel();
    },
    deliver(signal) {
      // After every signal: libuv may have dropped a SIGCHLD behind it. While the kernel reaps there is none.
      if (!reapLoop.isLeftToKernel()) reapLoop.wake();
      if (signal === SIGCHLD) return;
      const failure = attempt(catchUp);
      if (failure !== undefined) dispatch({ kind: 'cannot-wait', message: failure.message });
      dispatch({ kind: 'signal', signal });
    },
    fail(error) {
      dispatch({ kind: 'init-failed', message: error.message });
      reapLoop.wake();
    },
  };
}

function statusOf(error: unknown): number {
  return error instanceof Failure ? error.status : 125;
}

function forward(
  { signal, sent, scope }: Of<'forward'>,
  {
    workload,
    signalTree,
    log,
    nameOf,
  }: Pick<Parts, 'log' | 'nameOf'> & { workload: Workload | undefined; signalTree: SignalTree },
): void {
  const fields = { event: 'signal', signal: nameOf(signal), sent: nameOf(sent) } as const;
  const report = (error: Error | undefined) => {
    if (error === undefined) log(isStopSignal(sent) ? 'info' : 'debug', 'signal forwarded', fields);
    else log('warn', 'signal not forwarded', { ...fields, error: error.message });
  };
  if (scope !== 'tree') {
    if (workload !== undefined) report(attempt(() => workload.signal(sent, scope)));
    return;
  }
  signalTree([sent], ({ refused, error }) => {
    if (refused === 0 || error !== undefined) report(error);
    else log('warn', 'signal not forwarded to all', { ...fields, refused });
  });
}
