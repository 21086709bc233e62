import { expect, test } from 'vitest';
import { explore } from '../helpers/explore-lifecycle.ts';
import { loadMutant, mutants } from '../helpers/lifecycle-mutants.ts';
import { policies } from '../helpers/lifecycle-policies.ts';
import type { Lifecycle } from '../helpers/lifecycle-world.ts';

/** The exploration of the real lifecycle can fail: it finds each of these. */

function firstCounterexample(lifecycle: Lifecycle): string | undefined {
  for (const policy of policies()) {
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
  expect(mutant && firstCounterexample(await loadMutant(mutant))).toMatchInlineSnapshot(`
    "As a plain subreaper, until "all", stopTimeoutMs 3000, stopDelayMs 500:
          0 ms  the workload runs -> running
          0 ms  SIGTERM comes -> running
                   set-timer stop-delay, 500 ms
          0 ms  SIGTERM comes -> running
                   clear-timer stop-delay
                   set-timer slow, 2000 ms
                   forward SIGTERM to the group
                   forward SIGTERM to the group
       2000 ms  the timer fires: slow -> running
                   set-timer stop-timeout, 1000 ms
       3000 ms  the timer fires: stop-timeout -> running
                   kill descendants
       3000 ms  the workload exits with 0 -> terminating
                   set-timer grace, 2000 ms
                   discard-statuses
    WRONG at 3000 ms: grace runs, and nothing waits for it"
  `);
});
