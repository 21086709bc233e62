import { now } from '../native/timers.ts';

/** How long init works on one thing before it handles the signals and timers that have come. */
export const SLICE_MS = 20;

/**
 * Visits every item, a slice of time in each turn of the event loop; the first one at once.
 * @param done called once at the end, with what was thrown on the way
 */
export function visitInSlices<Item>(
  items: Iterator<Item, unknown>,
  visit: (item: Item) => void,
  done: (error?: Error) => void,
): void {
  const end = now() + SLICE_MS;
  let isDone = false;
  let error: Error | undefined;
  try {
    while (!isDone && now() < end) {
      const next = items.next();
      if (next.done) isDone = true;
      else visit(next.value);
    }
  } catch (failure) {
    isDone = true;
    error = failure as Error;
  }
  if (isDone) done(error);
  else setImmediate(() => visitInSlices(items, visit, done));
}
