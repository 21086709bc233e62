import { asFailure } from '../lifecycle/failure.ts';
import type { Effect, Event, LogFields, TimerName } from '../lifecycle/model.ts';
import type { Fields } from '../log/log.ts';
import { attempt } from '../native/attempt.ts';
import { exitNow, kill, leaveNoCoreDump } from '../native/process.ts';
import { takeDefaultAction } from '../native/signals.ts';
import { now } from '../native/timers.ts';
import type { Signal } from '../native/types.ts';
import { killAtOnce } from '../process-tree/kill-tree.ts';
import { readDescendants } from '../process-tree/process-table.ts';
import { SIGCONT, SIGKILL, SIGSTOP, SIGTERM } from '../signals/numbers.ts';
import { signalName } from '../signals/signal-names.ts';
import { isStopSignal } from '../signals/stop-signals.ts';
import type { Children } from './children.ts';
import type { Parts } from './parts.ts';
import { createRecipients } from './recipients.ts';
import { createTree } from './tree.ts';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** The shortest time to try again to read /proc, even if the grace time is shorter. */
const SHORTEST_PATIENCE_MS = 100;

/**
 * Carries out the effects of the lifecycle.
 * @param isStopping whether a stop signal has come
 */
export function createEffects(
  { policy, terminal, log, explanations, observers, program, start }: Parts,
  children: Children,
  isStopping: () => boolean,
  emit: (event: Event) => void,
) {
  const { isPid1, options } = policy;
  const recipients = createRecipients(children.wake);
  const tree = createTree({
    children,
    patienceMs: Math.max(options.graceMs, SHORTEST_PATIENCE_MS),
    mayKillEverybody: (signal) => isPid1 && isStopping() && isStopSignal(signal),
    giveUp,
  });
  /** When survivors were asked to end. */
  let askedAtMs: number | undefined;
  /** The timer of the lifecycle's state, which has one at most. */
  let timer: NodeJS.Timeout | undefined;
  /** The timer that has fired, until what it fired for is done: an exception may have come first. */
  let fired: TimerName | undefined;

  /** Starts a run of the workload. @throws Failure, SystemError */
  function startRun(): void {
    const pid = start();
    explanations.forget();
    children.started(pid);
    emit({ kind: 'workload-started', atMs: now(), workload: pid, program });
  }

  function giveUp(why: string, error?: Error): void {
    emit({ kind: 'survivors-out-of-reach', why, error: error?.message });
  }

  function forwardToTree(effect: EffectOf<'forward'>): void {
    tree.send([effect.sent], ({ sent: count, refused }, error, isRepeated) => {
      if (error !== undefined) {
        const what = isRepeated ? 'signal not forwarded to all yet' : 'signal not forwarded to all';
        sayForwarded(effect, what, { error: error.message });
        if (!isRepeated && isStopSignal(effect.sent)) giveUp('cannot list the remaining processes', error);
      } else if (refused > 0) {
        const what = count > 0 ? 'signal not forwarded to all' : 'signal not forwarded';
        sayForwarded(effect, what, { refused });
      } else {
        sayForwarded(effect, count > 0 ? 'signal forwarded' : 'signal not forwarded: no process is left');
      }
    });
  }

  function sayForwarded(
    { signal, sent }: EffectOf<'forward'>,
    message: string,
    failure?: { readonly error: string } | { readonly refused: number },
  ): void {
    const usualLevel = isStopSignal(signal) || isStopSignal(sent) ? 'info' : 'debug';
    const level = failure === undefined ? usualLevel : 'warn';
    say(level, message, { event: 'signal', signal, sent, ...failure });
  }

  /** Names the signals. */
  function say(level: EffectOf<'log'>['level'], message: string, fields: LogFields = {}): void {
    // Without a record nobody needs the names, and finding them takes a tenth of the time that forwarding does.
    if (!log.passes(level)) return;
    const { signal, sent } = fields as { signal?: Signal; sent?: Signal };
    log(level, message, {
      ...fields,
      ...(signal === undefined ? {} : { signal: signalName(signal) }),
      ...(sent === undefined ? {} : { sent: signalName(sent) }),
    } as Fields);
  }

  const handlers: { readonly [Kind in Effect['kind']]: (effect: EffectOf<Kind>) => void } = {
    // --- The workload
    start() {
      try {
        startRun();
      } catch (error) {
        const { status } = asFailure(error as Error);
        emit({ kind: 'start-failed', status, message: (error as Error).message });
      }
    },
    forward(effect) {
      const { sent, scope } = effect;
      children.workload()?.forwarded.add(sent);
      if (scope === 'tree') {
        forwardToTree(effect);
        return;
      }
      const error = attempt(() => children.run()?.signal(sent, scope));
      if (error === undefined) sayForwarded(effect, 'signal forwarded');
      else sayForwarded(effect, 'signal not forwarded', { error: error.message });
    },
    drop({ signal, why }) {
      const isNews = why === 'rewritten' && isStopSignal(signal);
      say(isNews ? 'info' : 'debug', isNews ? `stop ${dropped[why]}` : dropped[why], {
        event: 'signal',
        signal,
      });
    },

    // --- What is stopping, and survivors
    'note-recipients'(sending) {
      let mayTrace = true;
      // If init cannot see them: who is not noted is asked once more at the end, and that is the worst of it.
      attempt(() => {
        mayTrace = recipients.note(sending, children.run()?.pid);
      });
      // The kernel does not tell of a tracee's stop while it reaps.
      if (mayTrace) children.takeBack();
    },
    'find-stopping'() {
      const isAny = recipients.isAny();
      // The last one that had the terminal may have ended, and the others be in other sessions.
      if (isAny) terminal?.take(undefined);
      emit({ kind: 'stopping-found', isAny });
    },
    ask({ everybody }) {
      askedAtMs = now();
      // Those that are stopping have been asked.
      const asked = recipients.left();
      if (asked.size > 0 || !everybody) {
        // What the workload was sent reaches nobody any more: they are all asked to end.
        tree.forget();
        // A stopped process would not act on SIGTERM alone.
        tree.send([SIGTERM, SIGCONT], () => {}, asked);
      }
      // ESRCH: nobody is left, which wait4(2) will tell.
      else for (const signal of [SIGTERM, SIGCONT]) attempt(() => kill(-1, signal));
    },
    kill() {
      children.run()?.signalLeft(SIGKILL);
      children.beforeKill();
      tree.kill();
    },
    'signal-group'({ signal }) {
      // ESRCH: nothing is left of the group.
      attempt(() => children.run()?.signal(signal, 'group'));
    },
    'kill-at-once': () => killAtOnce(() => readDescendants(process.pid)),
    'forget-survivors'() {
      tree.reset();
      recipients.forget();
      askedAtMs = undefined;
      children.forgetRun();
    },

    // --- Who reaps
    'discard-statuses': ({ discard }) => children.discardStatuses(discard),
    'take-back': children.takeBack,

    // --- The timer
    'set-timer'({ timer: name, ms }) {
      fired = undefined;
      timer = setTimeout(() => {
        fired = name;
        // What has ended in time is not killed.
        if (name === 'stop-timeout') children.catchUp();
        emit({ kind: 'timer', timer: name });
        fired = undefined;
      }, ms);
    },
    'clear-timer'() {
      fired = undefined;
      clearTimeout(timer);
    },

    // --- The terminal
    'give-terminal': () => terminal?.give(children.run()?.pid),
    'take-terminal': () => terminal?.take(children.run()?.pid),
    'check-terminal'({ stoppedBy }) {
      const workloadHasIt = terminal?.isInForeground(children.run()?.pid) === true;
      emit({ kind: 'terminal-checked', stoppedBy, workloadHasIt });
    },
    'continue-workload'() {
      // ESRCH: the workload has just ended, and its status is on the way.
      attempt(() => children.run()?.signal(SIGCONT, 'group'));
    },
    // A seccomp profile may refuse it: then init runs on, and so does everything else.
    'stop-self': () => void attempt(() => kill(process.pid, SIGSTOP)),
    suspend() {
      terminal?.suspend();
      // A pending SIGCONT is delivered before this.
      setImmediate(() => emit({ kind: 'resumed' }));
    },

    // --- What is told, and the exit
    explain({ what }) {
      const left = explanations.say(what, {
        workload: children.workload()?.pid,
        group: children.run()?.pid,
        ownChild: children.groupMember(),
        sinceAskedMs: askedAtMs === undefined ? undefined : now() - askedAtMs,
      });
      if (what.kind === 'killing' || what.kind === 'stop-timeout')
        observers.observe({ kind: 'killing', processes: left });
    },
    log({ level, message, fields }) {
      if (level === 'fatal' || level === 'error') explanations.setLastWords(message);
      say(level, message, fields);
    },
    exit({ status }) {
      observers.observe({ kind: 'exit', status, reason: explanations.leaveLastWords(status) });
      // As PID 1 the kernel kills the others as well, once this process gets that far: those that fork would hold it up.
      if (options.survivors === 'end') children.run()?.signalLeft(SIGKILL);
      // An owner sees how the command has ended, as if there were no init.
      const by = children.endedBy();
      if (options.untilOwner && by !== undefined && status === 128 + by) endBy(by);
      exitNow(status);
    },
  };

  return {
    startRun,
    /** From the workload's start on nothing is fatal: what cannot be done is said. */
    carryOut(effect: Effect): void {
      const failure = attempt(() => (handlers[effect.kind] as (effect: Effect) => void)(effect));
      if (failure === undefined) return;
      if (effect.kind === 'exit') throw failure;
      log('error', 'a step failed; continuing', { error: failure.message });
    },
    firedTimer: () => fired,
  };
}

const dropped: Readonly<Record<EffectOf<'drop'>['why'], string>> = {
  rewritten: 'signal dropped',
  'handed-over': 'signal dropped: it comes from the terminal hand-over',
  'no-workload': 'signal dropped: there is no workload',
};

/** Ends init by a signal. Only an owner asks for it, so init is not PID 1, which the kernel would spare. */
function endBy(signal: Signal): void {
  // If it cannot, init exits with 128+N.
  attempt(() => {
    leaveNoCoreDump();
    takeDefaultAction(signal);
    kill(process.pid, signal);
  });
}
