import type { Explained } from '../lifecycle/explained.ts';
import type { Log } from '../log/log.ts';
import { attempt } from '../native/attempt.ts';
import { requireModule } from '../native/require.ts';
import { cannotWrite, withoutPath } from './cannot-write.ts';
import type { ObserveOptions } from './options.ts';
import type * as sentences from './sentences.ts';

export type Explanations = ReturnType<typeof createExplanations>;

/** info: nothing is wrong. `bare` is said if nobody can be named: no descriptor is left, say. */
const manners: Readonly<
  Record<Explained['kind'], { level: 'info' | 'warn'; event?: 'survivor' | 'kill'; bare: string }>
> = {
  'slow-stop': { level: 'warn', bare: 'the stop is slow' },
  'stop-timeout': { level: 'warn', event: 'kill', bare: 'stop timeout: killing everything' },
  waiting: { level: 'info', event: 'survivor', bare: 'waiting for the remaining processes' },
  stopping: { level: 'info', event: 'survivor', bare: 'survivors are still stopping' },
  asking: { level: 'info', event: 'survivor', bare: 'asking survivors to end' },
  'slow-survivors': { level: 'warn', bare: 'survivors are still running' },
  killing: { level: 'warn', event: 'kill', bare: 'killing the remaining processes' },
  end: { level: 'warn', bare: 'the workload was ended by a signal that init did not send' },
};

/**
 * Says in one line each what init waits for, and what was slow or wrong. Keeps the last words for the termination log and
 * the report.
 */
export function createExplanations(
  options: Pick<ObserveOptions, 'terminationLog' | 'report'> & sentences.Limits,
  log: Log,
) {
  let explain: ReturnType<typeof sentences.createExplain> | undefined;
  let words: string | undefined;

  return {
    /** Loads its code, which is otherwise loaded when there is something to say. @throws Error if it cannot be loaded */
    load,
    /** @returns how many processes beside the workload it has found; 0 if it took no snapshot, or could not */
    say(what: Explained, moment: sentences.Moment): number {
      const { level, event, bare } = manners[what.kind];
      const isReason = isWhyInitEnds(what, moment);
      // The report tells how many processes were killed, also if nobody reads the log.
      const isCounted = options.report !== undefined && what.kind === 'killing';
      if (!isReason && !isCounted && !log.passes(level)) return 0;
      let said: sentences.Explanation = { sentence: bare };
      // No descriptor is left, or the package is incomplete: the bare sentence is said.
      attempt(() => {
        explain ??= load().createExplain(options);
        said = explain(what, moment);
      });
      // What comes after the first reason, init's own failure say, only follows from it.
      if (isReason) words ??= said.sentence;
      log(level, said.sentence, event && { event, processes: said.processes });
      return said.others ?? 0;
    },
    /** An error is the reason for init's end as well, unless the next run begins. */
    setLastWords(sentence: string): void {
      words = sentence;
    },
    /** A new run begins: what was wrong with the last one does not matter any more. */
    forget(): void {
      words = undefined;
    },
    /**
     * Call it at the end: leaves in the termination log, if there is one, why init ends.
     * @returns the same; null if it ends well, or does not know why
     */
    leaveLastWords(status: number): string | null {
      if (status === 0 || words === undefined) return null;
      const sentence = words;
      const { terminationLog } = options;
      const failure = attempt(() => load().writeTerminationLog(terminationLog, sentence));
      if (failure !== undefined) {
        log('warn', cannotWrite('termination log', terminationLog), { error: withoutPath(failure) });
      }
      return sentence;
    },
  };
}

/** Init ends as the workload does, and not because survivors are killed. */
function isWhyInitEnds({ kind }: Explained, { workload }: sentences.Moment): boolean {
  return kind === 'end' || kind === 'stop-timeout' || (kind === 'killing' && workload !== undefined);
}

let loaded: typeof sentences | undefined;

/** A bundle of its own, dist/explanations.cjs: most runs of init need none of it. */
function load(): typeof sentences {
  loaded ??= requireModule('./explanations.cjs') as typeof sentences;
  return loaded;
}
