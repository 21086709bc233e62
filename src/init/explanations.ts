import type { Explained } from '../explain/explained.ts';
import type * as sentences from '../explain/sentences.ts';
import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import { attempt } from './attempt.ts';

/** Says in one line each what init waits for, and what was slow or wrong, and keeps the last words for the termination log. */
export interface Explanations {
  say(what: Explained, moment: sentences.Moment): void;
  /** An error is the reason for init's end as well, unless the next run begins. */
  setLastWords(sentence: string): void;
  /** A new run begins: what was wrong with the last one does not matter any more. */
  forget(): void;
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
/** Init ends because of these. */
const reasons: readonly Explained['kind'][] = ['stop-timeout', 'end'];

/** @param terminationLog the file of --termination-log */
export function createExplanations(
  situation: sentences.Situation,
  terminationLog: string | undefined,
  log: Log,
): Explanations {
  let explain: sentences.Explain | undefined;
  let lastWords: string | undefined;

  return {
    say(what, moment) {
      const isReason = reasons.includes(what.kind);
      const level = usual.includes(what.kind) ? 'info' : 'warn';
      if (!isReason && !log.passes(level)) return;
      let sentence = bareSentences[what.kind];
      attempt(() => {
        explain ??= load().createExplain(situation);
        sentence = explain(what, moment);
      });
      if (isReason) lastWords = sentence;
      log(level, sentence);
    },
    setLastWords(sentence) {
      lastWords = sentence;
    },
    forget() {
      lastWords = undefined;
    },
    leaveLastWords(status) {
      const sentence = lastWords;
      if (status === 0 || sentence === undefined) return;
      const failure = attempt(() => load().writeTerminationLog(terminationLog, sentence));
      // The message would hold the file's name.
      const error = (failure as NodeJS.ErrnoException | undefined)?.code;
      if (failure !== undefined) log('warn', 'the termination log cannot be written', { error });
    },
  };
}

/** A bundle of its own, dist/explanations.cjs: most lives of init need none of it. */
function load(): typeof sentences {
  return requireModule('./explanations.cjs') as typeof sentences;
}
