import { expect, test } from 'vitest';
import { explore } from '../helpers/explore-lifecycle.ts';
import { loadMutant, type Mutant, mutants } from '../helpers/lifecycle-mutants.ts';
import { policies, withOptions } from '../helpers/lifecycle-policies.ts';
import type { Lifecycle } from '../helpers/lifecycle-world.ts';

/** The exploration of the real lifecycle can fail: it finds each of these. */

/** Those with one option in common stand side by side. In strides, one that finds a mutant comes early. */
function inStrides<Value>(values: readonly Value[]): Value[] {
  const stride = 71;
  if (values.length % stride === 0) throw new Error('this stride would leave some out');
  return values.map((_, index) => values[(index * stride) % values.length] as Value);
}

const order = inStrides([...policies()]);

function firstCounterexample(lifecycle: Lifecycle): string | undefined {
  for (const policy of order) {
    const { counterexample } = explore(policy, lifecycle);
    if (counterexample !== undefined) return counterexample;
  }
  return undefined;
}

test.each(mutants)('found: $name', { timeout: 1_200_000 }, async (mutant) => {
  expect(firstCounterexample(await loadMutant(mutant))).toContain('WRONG');
});

test('a counterexample is a story', async () => {
  const mutant = mutants.find(({ name }) => name === 'after the stop timeout survivors get the grace time');
  const policy = withOptions({ until: 'all', stopDelayMs: 500, stopTimeoutMs: 3000 });
  const { counterexample } = explore(policy, await loadMutant(mutant as Mutant));
  expect(counterexample).toMatchInlineSnapshot(`
    "As a plain subreaper, until "all", stopTimeoutMs 3000, stopDelayMs 500:
          0 ms  the workload runs -> running
          0 ms  SIGTERM comes -> running
                   set-timer stop-delay, 500 ms
          0 ms  SIGTERM comes -> running
                   clear-timer stop-delay
                   set-timer slow, 2000 ms
                   note-recipients
                   forward SIGTERM to the group
                   forward SIGTERM to the group
       2000 ms  the timer fires: slow -> running
                   set-timer stop-timeout, 1000 ms
       3000 ms  the timer fires: stop-timeout -> running
                   kill
       3000 ms  the workload exits with 0 -> terminating
                   set-timer grace, 2000 ms
                   discard-statuses
    WRONG at 3000 ms: grace runs, and nothing waits for it"
  `);
});
