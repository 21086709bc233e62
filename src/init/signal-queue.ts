import type { Signal } from '../native/types.ts';

/** How many signals init acts on in one turn of the event loop. */
const SLICE = 256;
/** As many as the largest pipe of libuv's holds. */
const MOST_WAITING = 65_536;

/**
 * Hands signals on in the order in which they come, at most a slice of them in one turn of the event loop. libuv reads its
 * pipe for as long as signals come: if init acted on all of them at once, a flood would keep it from stop signals, timers
 * and children.
 * @param onDropped called, once a flood is over, with the number of signals that found no room
 */
export function createSignalQueue(
  handOn: (signal: Signal) => void,
  onDropped: (count: number) => void,
): (signal: Signal) => void {
  const waiting: Signal[] = [];
  let room = SLICE;
  let dropped = 0;

  function turn(): void {
    room = SLICE;
    for (const signal of waiting.splice(0, SLICE)) take(signal);
    if (room < SLICE || dropped === 0) return;
    onDropped(dropped);
    dropped = 0;
  }

  function take(signal: Signal): void {
    if (room === SLICE) setImmediate(turn);
    room--;
    handOn(signal);
  }

  return (signal) => {
    if (room > 0 && waiting.length === 0) take(signal);
    else if (waiting.length < MOST_WAITING) waiting.push(signal);
    else dropped++;
  };
}
