import type { Effect, Policy } from '../../src/lifecycle/model.ts';
import { effectObjection, type Made, moveObjection } from './lifecycle-properties.ts';
import { story } from './lifecycle-story.ts';
import {
  beginning,
  keyOf,
  type Lifecycle,
  type Move,
  possibleMoves,
  realLifecycle,
  type World,
  withEffect,
  withEvent,
  withTime,
} from './lifecycle-world.ts';

export interface Exploration {
  readonly worlds: number;
  readonly transitions: number;
  /** How many moves the farthest world is from the start, each reached by its shortest path. */
  readonly depth: number;
  /** The first one found, as a readable story: the exploration ends there. */
  readonly counterexample: string | undefined;
  /** "running signal draining" and the like: a kind of state, of event, and of the next state. */
  readonly edges: ReadonlySet<string>;
}

interface Node {
  readonly world: World;
  /** The shortest way from the start. */
  readonly last: { readonly from: Node; readonly made: Made } | undefined;
  readonly depth: number;
  /** Nodes with a move that leads here, unless init fails with it. */
  readonly before: Node[];
}

/** More than the lifecycle has with any policy, by far: a mutant may have no end of them. */
const MOST_WORLDS = 100_000;

/** Explores every world that any sequence of moves, of any length, can reach with this policy. */
export function explore(policy: Policy, lifecycle: Lifecycle = realLifecycle): Exploration {
  const first: Node = { world: beginning(policy, lifecycle), last: undefined, depth: 0, before: [] };
  const nodes = new Map([[keyOf(first.world), first]]);
  const edges = new Set<string>();
  let transitions = 0;
  let depth = 0;
  const found = (counterexample?: string) => ({
    worlds: nodes.size,
    transitions,
    depth,
    counterexample,
    edges,
  });
  // A map iterates in the order of insertion, and includes what the loop adds: the search is breadth first.
  for (const node of nodes.values()) {
    depth = node.depth;
    for (const move of possibleMoves(policy, node.world)) {
      transitions++;
      const { made, wrong } = make(policy, node.world, move, lifecycle);
      const last = { from: node, made };
      if (wrong !== undefined) return found(story(policy, wayTo(last), wrong));
      if (made.after === node.world) continue;
      const [source, target] = [node.world.state.kind, made.after.state.kind];
      if (source !== target) edges.add(`${source} ${move.kind} ${target}`);
      const key = keyOf(made.after);
      const next = nodes.get(key) ?? { world: made.after, last, depth: node.depth + 1, before: [] };
      if (move.kind !== 'cannot-wait' && move.kind !== 'init-failed') next.before.push(node);
      nodes.set(key, next);
      if (nodes.size > MOST_WORLDS) return found(story(policy, wayTo(last), 'there is no end of states'));
    }
  }
  const [stuck] = withoutWayOut([...nodes.values()]);
  return found(stuck && story(policy, wayTo(stuck.last), 'no way leads from here to the exit'));
}

/** Makes a move, and carries out the effects in the world. */
export function make(
  policy: Policy,
  before: World,
  move: Move,
  lifecycle: Lifecycle = realLifecycle,
): { made: Made; wrong: string | undefined } {
  let after: World;
  let effects: readonly Effect[] = [];
  let wrong: string | undefined;
  if (move.kind === 'time-passes') {
    after = withTime(before);
  } else {
    const step = lifecycle.step(policy, before.state, move);
    effects = step.effects;
    after = withEvent(policy, before, move);
    if (after.state !== step.state) after = { ...after, state: step.state };
    for (const effect of effects) {
      wrong ??= effectObjection(policy, after, effect);
      after = withEffect(after, effect);
    }
  }
  const made = { before, move, effects, after };
  return { made, wrong: wrong ?? moveObjection(policy, made) };
}

function wayTo(last: Node['last']): Made[] {
  const way: Made[] = [];
  for (let step = last; step !== undefined; step = step.from.last) way.unshift(step.made);
  return way;
}

/** A failure of init is no way out. */
function withoutWayOut(nodes: readonly Node[]): Node[] {
  const leadsOut = new Set(nodes.filter(({ world }) => world.exits > 0));
  for (const node of leadsOut) for (const before of node.before) leadsOut.add(before);
  return nodes.filter((node) => !leadsOut.has(node));
}
