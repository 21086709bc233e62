import { now } from '../native/timers.ts';

/** How long init works on one task before it handles pending signals and timers. */
export const SLICE_MS = 20;

/**
 * Visits every item, for one slice of time in each turn of the event loop. The first slice starts at once.
 * @param done called once at the end, with the error that ended the visits, if any
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
