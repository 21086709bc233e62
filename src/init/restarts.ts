export type RestartPolicy =
  | { readonly kind: 'no' }
  | { readonly kind: 'always' }
  /** `limit`: how many restarts in a row. */
  | { readonly kind: 'on-failure'; readonly limit: number };

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
/** A life this long counts as a success: the next failure begins a new row. */
const GOOD_LIFE_MS = 10_000;

/**
 * Says after each life how long to wait before the next one, in milliseconds, or that there is none.
 * The wait doubles from life to life.
 */
export function createRestarts(
  policy: RestartPolicy,
): (exitStatus: number, lifeMs: number) => number | undefined {
  let inARow = 0;
  return (exitStatus, lifeMs) => {
    if (lifeMs >= GOOD_LIFE_MS) inARow = 0;
    if (policy.kind === 'no') return undefined;
    if (policy.kind === 'on-failure' && (exitStatus === 0 || inARow >= policy.limit)) return undefined;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** inARow, LONGEST_DELAY_MS);
    inARow++;
    return delayMs;
  };
}
