import { createSignalLoop, type SignalLoop } from '../native/signal-loop.ts';
import type { Signal } from '../native/types.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { attempt } from './attempt.ts';

const SIGCHLD = signalNumber('SIGCHLD');
/** What must get through whatever else comes. */
const important = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGCONT'] as const).map(signalNumber);
/** The largest pipe that an unprivileged user may have, pipe(7): 65,536 messages. */
const PIPE_SIZE = 1 << 20;

/**
 * Which pipe of libuv's each signal comes through. A full pipe drops messages, so these rules say what may be lost:
 * - Each important signal has a pipe to itself. If that is full it holds this very signal, so none is ever lost behind
 *   others: like the kernel's own pending signals, several of a kind may become one.
 * - SIGCHLD has node's own pipe. Whatever is read makes init look at its children, so it does not matter that one is lost.
 * - All others, the real-time ones too, share a large pipe: each arrives as often as it was sent, while no more than
 *   65,536 of them come at one stretch.
 *
 * Where no descriptor is left for a loop (EMFILE), its signals come through node's.
 */
export function createSignalLoops(): (signal: Signal) => SignalLoop | undefined {
  let shared: SignalLoop | undefined;
  attempt(() => {
    shared = createSignalLoop(PIPE_SIZE);
  });
  return (signal) => {
    if (signal === SIGCHLD) return undefined;
    let loop = shared;
    if (important.includes(signal)) {
      attempt(() => {
        loop = createSignalLoop();
      });
    }
    return loop;
  };
}
