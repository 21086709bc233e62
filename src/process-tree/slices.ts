import { now } from '../native/timers.ts';

/** How long init works on one task before it handles pending signals and timers. */
const SLICE_MS = 20;

/**
 * Runs a task, for one slice of time in each turn of the event loop. The first slice starts at once.
 * @param task yields where it may be interrupted
 * @param done called once at the end, with the error that ended the task, or with its result
 */
export function runInSlices<Result>(
  task: Iterator<unknown, Result>,
  done: (error: Error | undefined, result: Result | undefined) => void,
): void {
  function runSlice(): void {
    const end = now() + SLICE_MS;
    let step: IteratorResult<unknown, Result>;
    try {
      do step = task.next();
      while (!step.done && now() < end);
    } catch (error) {
      done(error as Error, undefined);
      return;
    }
    if (step.done) done(undefined, step.value);
    else setImmediate(runSlice);
  }
  runSlice();
}
