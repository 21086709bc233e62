import type { Explained } from '../explain/explained.ts';
import type * as sentences from '../explain/sentences.ts';
import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import { attempt } from './attempt.ts';
import { withoutPath } from './failure.ts';
import type { InitOptions } from './options.ts';

/**
 * Says in one line each what init waits for, and what was slow or wrong. Keeps the last words for the termination log and
 * the report.
 */
export interface Explanations {
  /** @returns how many processes beside the workload it has found; 0 if it took no snapshot, or could not */
  say(what: Explained, moment: sentences.Moment): number;
  /** An error is the reason for init's end as well, unless the next run begins. */
  setLastWords(sentence: string): void;
  /** A new run begins: what was wrong with the last one does not matter any more. */
  forget(): void;
  /** Why init ends, if it ends badly and knows why. */
  lastWords(status: number): string | null;
  /** Call it at the end: leaves the reason in the termination log, if init ends badly and there is one. */
  leaveLastWords(status: number): void;
}

interface Manner {
  /** info: nothing is wrong. */
  readonly level: 'info' | 'warn';
  readonly event?: 'survivor' | 'kill';
  /** What is said if nobody can be named: no descriptor is left, say. */
  readonly bare: string;
}

const manners: Readonly<Record<Explained['kind'], Manner>> = {
  'slow-stop': { level: 'warn', bare: 'the stop takes long' },
  'stop-timeout': { level: 'warn', event: 'kill', bare: 'stop timeout: everything gets SIGKILL' },
  waiting: { level: 'info', event: 'survivor', bare: 'waiting for what the workload left' },
  asking: { level: 'info', event: 'survivor', bare: 'asking survivors to end' },
  'slow-survivors': { level: 'warn', bare: 'survivors still run' },
  killing: { level: 'warn', event: 'kill', bare: 'killing what is left' },
  end: { level: 'warn', bare: 'the workload was ended by a signal that init did not send' },
};

export function createExplanations(
  situation: () => sentences.Situation,
  { terminationLog, report }: Pick<InitOptions, 'terminationLog' | 'report'>,
  log: Log,
): Explanations {
  let explain: sentences.Explain | undefined;
  let words: string | undefined;

  const lastWords = (status: number) => (status === 0 ? null : (words ?? null));

  return {
    say(what, moment) {
      const { level, event, bare } = manners[what.kind];
      const isReason = isWhyInitEnds(what, moment);
      // The report tells how many processes were killed, also if nobody reads the log.
      const isCounted = report !== undefined && what.kind === 'killing';
      if (!isReason && !isCounted && !log.passes(level)) return 0;
      let said: sentences.Explanation = { sentence: bare, processes: undefined, others: undefined };
      attempt(() => {
        explain ??= load().createExplain(situation());
        said = explain(what, moment);
      });
      // What comes after the first reason, init's own failure say, only follows from it.
      if (isReason) words ??= said.sentence;
      log(level, said.sentence, event && { event, processes: said.processes });
      return said.others ?? 0;
    },
    setLastWords(sentence) {
      words = sentence;
    },
    forget() {
      words = undefined;
    },
    lastWords,
    leaveLastWords(status) {
      const sentence = lastWords(status);
      if (sentence === null) return;
      const failure = attempt(() => load().writeTerminationLog(terminationLog, sentence));
      if (failure !== undefined) {
        log('warn', 'the termination log cannot be written', { error: withoutPath(failure) });
      }
    },
  };
}

/** Init ends as the workload does, and not because survivors are killed. */
function isWhyInitEnds({ kind }: Explained, { workload }: sentences.Moment): boolean {
  return kind === 'end' || kind === 'stop-timeout' || (kind === 'killing' && workload !== undefined);
}

/** A bundle of its own, dist/explanations.cjs: most runs of init need none of it. */
function load(): typeof sentences {
  return requireModule('./explanations.cjs') as typeof sentences;
}
