import type { Explained } from '../explain/explained.ts';
import type * as sentences from '../explain/sentences.ts';
import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import { attempt } from './attempt.ts';
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

/** What is said if nobody can be named: no descriptor is left, say. */
const bareSentences: Readonly<Record<Explained['kind'], string>> = {
  'slow-stop': 'the stop takes long',
  'stop-timeout': 'stop timeout: everything gets SIGKILL',
  'slow-survivors': 'what the workload left still runs',
  waiting: 'waiting for what the workload left',
  asking: 'asking survivors to end',
  killing: 'killing what is left',
  end: 'the workload was ended by a signal that init did not send',
};

/** Nothing is wrong with these. */
const usual: readonly Explained['kind'][] = ['waiting', 'asking'];
const events: { readonly [Kind in Explained['kind']]?: 'survivor' | 'kill' } = {
  waiting: 'survivor',
  asking: 'survivor',
  'stop-timeout': 'kill',
  killing: 'kill',
};
/** Init ends because of these. */
const reasons: readonly Explained['kind'][] = ['stop-timeout', 'end'];

export function createExplanations(
  situation: sentences.Situation,
  { terminationLog, report }: Pick<InitOptions, 'terminationLog' | 'report'>,
  log: Log,
): Explanations {
  let explain: sentences.Explain | undefined;
  let words: string | undefined;

  const lastWords = (status: number) => (status === 0 ? null : (words ?? null));

  return {
    say(what, moment) {
      const isReason = reasons.includes(what.kind);
      const level = usual.includes(what.kind) ? 'info' : 'warn';
      // The report tells how many processes were killed, also if nobody reads the log.
      const isCounted = report !== undefined && what.kind === 'killing';
      if (!isReason && !isCounted && !log.passes(level)) return 0;
      let said: sentences.Explanation = {
        sentence: bareSentences[what.kind],
        processes: undefined,
        others: undefined,
      };
      attempt(() => {
        explain ??= load().createExplain(situation);
        said = explain(what, moment);
      });
      if (isReason) words = said.sentence;
      const event = events[what.kind];
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
      // The message would hold the file's name.
      const error = (failure as NodeJS.ErrnoException | undefined)?.code;
      if (failure !== undefined) log('warn', 'the termination log cannot be written', { error });
    },
  };
}

/** A bundle of its own, dist/explanations.cjs: most runs of init need none of it. */
function load(): typeof sentences {
  return requireModule('./explanations.cjs') as typeof sentences;
}
