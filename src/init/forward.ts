import type { Log } from '../log/log.ts';
import type { Signal } from '../native/types.ts';
import { isStopSignal } from '../signals/stop-signals.ts';
import { attempt } from './attempt.ts';
import type { Effect } from './lifecycle/model.ts';
import type { SignalTree } from './signal-tree.ts';
import type { Workload } from './workload.ts';

type Forward = Extract<Effect, { kind: 'forward' }>;

/** Sends a signal to the workload, to its group or to every descendant, and logs whom it has reached. */
export function createForward({
  workload,
  signalTree,
  giveUp,
  log,
  nameOf,
}: {
  readonly workload: () => Workload | undefined;
  readonly signalTree: SignalTree;
  /** Called if a stop signal cannot reach what is left. */
  readonly giveUp: (why: string, error: Error) => void;
  readonly log: Log;
  readonly nameOf: (signal: Signal) => string;
}): (effect: Forward) => void {
  function toWorkload(effect: Forward, scope: 'group' | 'child'): void {
    const target = workload();
    if (target === undefined) return;
    const error = attempt(() => target.signal(effect.sent, scope));
    if (error === undefined) say(usualLevel(effect), 'signal forwarded', effect);
    else say('warn', 'signal not forwarded', effect, { error: error.message });
  }

  function toTree(effect: Forward): void {
    signalTree.send([effect.sent], ({ sent: count, refused, error, isRetried }) => {
      if (error !== undefined) {
        const what = isRetried ? 'signal not forwarded to all yet' : 'signal not forwarded to all';
        say('warn', what, effect, { error: error.message });
        if (!isRetried && isStopSignal(effect.sent)) giveUp('what is left cannot be seen', error);
      } else if (refused > 0) {
        const what = count > 0 ? 'signal not forwarded to all' : 'signal not forwarded';
        say('warn', what, effect, { refused });
      } else {
        const what = count > 0 ? 'signal forwarded' : 'signal not forwarded, nobody is left';
        say(usualLevel(effect), what, effect);
      }
    });
  }

  function say(
    level: 'warn' | 'info' | 'debug',
    message: string,
    { signal, sent }: Forward,
    more?: { error?: string; refused?: number },
  ): void {
    // Without a record nobody needs the names, and finding them takes a tenth of the time that forwarding does.
    if (!log.passes(level)) return;
    log(level, message, { event: 'signal', signal: nameOf(signal), sent: nameOf(sent), ...more });
  }

  return (effect) => (effect.scope === 'tree' ? toTree(effect) : toWorkload(effect, effect.scope));
}

function usualLevel({ signal, sent }: Forward): 'info' | 'debug' {
  return isStopSignal(signal) || isStopSignal(sent) ? 'info' : 'debug';
}
