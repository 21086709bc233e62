import { createSignalLoop, type SignalLoop } from '../native/signal-loop.ts';
import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

const SIGCHLD = signalNumber('SIGCHLD');
/** Other signals must never drown these. */
const urgent = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGCONT'] as const).map(signalNumber);
/** The largest pipe that an unprivileged user may have, pipe(7): 65,536 messages. */
const LARGE_PIPE = 1 << 20;
/** The smallest: a user's pipes may not take more than 16,384 pages in all, of every container on the machine. */
const SMALL_PIPE = 1 << 12;

/**
 * Chooses the libuv pipe of each signal. libuv drops messages if a pipe is full, so these rules decide what may be lost:
 * - Each urgent signal has its own small pipe. A full pipe holds this very signal, so it is never lost behind others.
 *   Several of a kind may become one, like the kernel's pending signals.
 * - SIGCHLD has node's own pipe. It may be lost: init reaps after every signal that it reads.
 * - All others, real-time signals included, share a large pipe. Each arrives as often as it was sent, unless more than
 *   65,536 come at one stretch, or the user's pipes take too many pages already.
 *
 * If no descriptor is left for a loop (EMFILE), its signals use the shared pipe, or else node's.
 */
export function createSignalLoops(): (signal: Signal) => SignalLoop | undefined {
  let shared: SignalLoop | undefined;
  attempt(() => {
    shared = createSignalLoop(LARGE_PIPE);
  });
  return (signal) => {
    if (signal === SIGCHLD) return undefined;
    let loop = shared;
    if (urgent.includes(signal)) {
      attempt(() => {
        loop = createSignalLoop(SMALL_PIPE);
      });
    }
    return loop;
  };
}
