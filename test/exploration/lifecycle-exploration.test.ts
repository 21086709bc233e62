import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event, Policy } from '../../src/lifecycle/model.ts';
import { type Exploration, explore, make } from '../helpers/explore-lifecycle.ts';
import { policies } from '../helpers/lifecycle-policies.ts';
import type { Made } from '../helpers/lifecycle-properties.ts';
import { story } from '../helpers/lifecycle-story.ts';
import { beginning, type Move, possibleMoves } from '../helpers/lifecycle-world.ts';

let explorations: ReadonlyMap<Policy, Exploration> | undefined;

/** Of every policy. It takes some seconds, so once. */
function explored(): ReadonlyMap<Policy, Exploration> {
  explorations ??= new Map([...policies()].map((policy) => [policy, explore(policy)]));
  return explorations;
}

describe('whatever happens, in whatever order', () => {
  test('each state has a way out, and nothing outlives it', { timeout: 1_200_000 }, () => {
    const found = [...explored().values()];
    expect(found.map(({ counterexample }) => counterexample).find(Boolean) ?? 'none').toBe('none');
    const sum = (count: 'worlds' | 'transitions') => found.reduce((all, one) => all + one[count], 0);
    console.log(
      `lifecycle: ${found.length} combinations of options, ${sum('worlds')} states, ${sum('transitions')} transitions, depth ${Math.max(...found.map(({ depth }) => depth))}`,
    );
  });

  test('long random histories hold the same', { timeout: 1_200_000 }, () => {
    const all = [...policies()];
    const history = fc.array(fc.nat({ max: 1000 }), { minLength: 50, maxLength: 300 });
    fc.assert(
      fc.property(fc.nat({ max: all.length - 1 }), history, (index, choices) => {
        const policy = all[index] as Policy;
        let world = beginning(policy);
        const way: Made[] = [];
        for (const choice of choices) {
          // A failure would end most histories early.
          const moves = possibleMoves(policy, world).filter(
            ({ kind }) => !['cannot-wait', 'init-failed'].includes(kind),
          );
          if (moves.length === 0) break;
          const { made, wrong } = make(policy, world, moves[choice % moves.length] as Move);
          way.push(made);
          expect(wrong && story(policy, way, wrong)).toBe(undefined);
          world = made.after;
        }
      }),
      { numRuns: 3000 },
    );
  });
});

/** A readable name of the event. */
const labels: Readonly<Record<Event['kind'], string>> = {
  'workload-started': 'the workload runs',
  'start-failed': 'it cannot be started',
  signal: 'a stop signal',
  'workload-ended': 'the workload ended',
  'workload-stopped': 'the workload stopped',
  'terminal-signal': 'a Ctrl-C',
  'terminal-checked': 'the terminal was checked',
  resumed: 'init runs again',
  'stopping-found': 'nothing is stopping',
  'children-left': 'survivors are left (--grace 0)',
  'no-child-left': 'no child is left',
  'survivors-out-of-reach': 'survivors are out of reach',
  timer: 'a timer',
  'owner-ended': 'the owner ended',
  'input-ended': 'standard input ended',
  'kill-requested': 'a request to kill',
  'init-failed': 'init fails',
  'cannot-wait': 'wait4 is refused',
};

test('docs/lifecycle.md has the diagram of this very function (update it with: npm run docs)', {
  timeout: 1_200_000,
}, async () => {
  const eventsOf = new Map<string, Set<string>>();
  for (const [policy, { edges }] of explored()) {
    if (policy.terminal !== 'none' || policy.keepsStatuses) continue;
    for (const edge of edges) {
      const [from, event, to] = edge.split(' ') as [string, Event['kind'], string];
      // They lead from every state to the same one: a line below the diagram says so.
      if (event === 'cannot-wait' || event === 'init-failed') continue;
      const key = `${from} --> ${to}`;
      eventsOf.set(key, (eventsOf.get(key) ?? new Set()).add(labels[event]));
    }
  }
  const lines = [...eventsOf]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([edge, events]) => `  ${edge}: ${[...events].sort().join(', ')}`);
  const text = `# The life of init

\`src/lifecycle/lifecycle.ts\` is one function: a state and an event give the next state, and the effects. A test walks every state
that it can reach, and draws this picture.

\`\`\`mermaid
stateDiagram-v2
  [*] --> starting
  [*] --> pausing: --pause
${lines.join('\n')}
  exiting --> [*]
\`\`\`

| state       | what init does in it                                                                           |
| ----------- | ---------------------------------------------------------------------------------------------- |
| starting    | starts the workload; signals are held                                                          |
| running     | forwards signals, reaps orphans                                                                |
| pausing     | has no workload, and waits for a stop signal (\`--pause\`)                                       |
| draining    | waits for all descendants (\`--until all\`), or for those that got the stop signal and handle it |
| terminating | ends survivors: SIGTERM, \`--grace\`, SIGKILL                                                    |
| backoff     | waits before the next run (\`--restart\`)                                                        |
| exiting     | has ended with its status                                                                      |

From every state, init exits with 125 if wait4 is refused, or if the kernel does not report how the workload ended. An exception in
init leads to terminating, a second one to the exit, also with 125. If the owner ends, init ends the workload like a
survivor.

The timers are \`--stop-delay\`, \`--stop-timeout\` and the one after the end of standard input (running, draining), \`--grace\`
(terminating) and the back-off of \`--restart\`. A state has one timer at most. While init waits for a stop or for survivors,
that timer also wakes it at 2, 5, 10 and 30 s, to say what it waits for.
`;
  await expect(text).toMatchFileSnapshot('../../docs/lifecycle.md');
});
