import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changes, type Reaping, type ReapingEffect, type ReapingEvent } from '../../src/reaper/reaping.ts';

const states = Object.keys(changes) as Reaping[];
const events: readonly ReapingEvent[] = [
  ...(['begin', 'leave', 'take-back', 'discard', 'flood'] as const),
  ...(['more', 'nothing-yet', 'no-children'] as const),
];

/** Each event in each state. */
const steps = states.flatMap((from) =>
  events.map((event) => {
    const [to, ...effects] = changes[from][event] ?? [from];
    return { from, event, to, effects: effects as ReapingEffect[] };
  }),
);

/** What the kernel does with a child that ends: sigaction(2). */
interface Kernel {
  readonly sigchld: 'handler' | 'default' | 'ignored';
  readonly noChildWait: boolean;
}

const kernelIn: Readonly<Record<Reaping, Kernel>> = {
  undecided: { sigchld: 'handler', noChildWait: false },
  init: { sigchld: 'handler', noChildWait: false },
  storm: { sigchld: 'default', noChildWait: false },
  kernel: { sigchld: 'ignored', noChildWait: false },
  indifferent: { sigchld: 'handler', noChildWait: false },
  discard: { sigchld: 'handler', noChildWait: true },
};

function told(kernel: Kernel, effect: ReapingEffect): Kernel {
  switch (effect) {
    case 'listen':
      // Installing a handler clears the flag.
      return { sigchld: 'handler', noChildWait: false };
    case 'unlisten':
      return { ...kernel, sigchld: 'default' };
    case 'ignore':
      return { ...kernel, sigchld: 'ignored' };
    case 'set-no-child-wait':
      return { ...kernel, noChildWait: true };
    case 'clear-no-child-wait':
      return { ...kernel, noChildWait: false };
    default:
      return kernel;
  }
}

describe('who reaps', () => {
  test.each(steps)('$from, $event: the kernel is told what the next state says', ({ from, to, effects }) => {
    expect(effects.reduce(told, kernelIn[from])).toEqual(kernelIn[to]);
  });

  test('no child is missed: whenever SIGCHLD gets a handler, or loses it, init reaps once more', () => {
    const changed = steps.filter(({ effects }) => effects.includes('listen') || effects.includes('unlisten'));
    expect(changed.length).toBeGreaterThan(0);
    expect(
      changed.filter(({ effects }) => !effects.includes('wake') && !effects.includes('reap')),
      'neither wakes nor reaps',
    ).toEqual([]);
  });

  test('init goes on for as long as there may be more', () => {
    expect(steps.filter(({ event, effects }) => event === 'more' && !effects.includes('wake'))).toEqual([]);
  });

  test('it tells that every ended child is reaped when it knows that, and not while a child may have ended unheard', () => {
    const known = steps.filter(({ effects }) => effects.includes('tell'));
    expect(known.every(({ event }) => event === 'nothing-yet' || event === 'no-children')).toBe(true);
    expect(new Set(known.map(({ from }) => from))).toEqual(
      new Set(['undecided', 'init', 'indifferent', 'discard']),
    );
  });

  test('the kernel reaps a run from its beginning or not at all, and no longer than init lets it', () => {
    const toKernel = steps.filter(({ from, to }) => to === 'kernel' && from !== 'kernel');
    expect(toKernel).toMatchObject([{ from: 'undecided', event: 'leave' }]);
    for (const event of ['take-back', 'discard', 'begin'] as const)
      expect(steps.find((step) => step.from === 'kernel' && step.event === event)?.to).not.toBe('kernel');
  });

  test('a round of SIGKILL takes the reaping back each time, and wakes nobody by that: it would begin the next round', () => {
    const repeated = steps.filter(({ event, from }) => event === 'take-back' && from !== 'kernel');
    expect(repeated.filter(({ effects }) => effects.length > 0)).toEqual([]);
  });

  test('where no status matters, one may be lost; elsewhere none is', () => {
    const lossy = steps.filter(
      ({ to, effects }) => effects.includes('set-no-child-wait') || to === 'discard',
    );
    expect(
      lossy.every(({ from, event }) => event === 'discard' || from === 'indifferent' || from === 'discard'),
    ).toBe(true);
    for (const from of ['indifferent', 'discard'] as const)
      expect(steps.find((step) => step.from === from && step.event === 'begin')?.to).toBe('undecided');
  });

  test('docs/architecture.md has this very table', () => {
    const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    const byEdge = new Map<string, ReapingEvent[]>();
    for (const { from, event, to } of steps) {
      const edge = `  ${from} --> ${to}`;
      if (from !== to) byEdge.set(edge, [...(byEdge.get(edge) ?? []), event]);
    }
    const lines = [...byEdge].map(([edge, by]) => `${edge}: ${by.join(', ')}\n`).join('');
    expect(page).toContain(`\`\`\`mermaid\nstateDiagram-v2\n  [*] --> undecided\n${lines}\`\`\``);
  });
});
