import type { Event, Policy } from '../../src/init/lifecycle.ts';
import {
  beginning,
  describeEvent,
  happen,
  keyOf,
  longestEnd,
  possibleEvents,
  type World,
} from './lifecycle-world.ts';

export interface Exploration {
  readonly worlds: number;
  readonly transitions: number;
  /** How many events the farthest state is from the start, each reached by its shortest path. */
  readonly depth: number;
  /** Counterexamples, each as a readable story. */
  readonly counterexamples: readonly string[];
  /** "running signal draining" and the like: a kind of state, of event, and of the next state. */
  readonly edges: ReadonlySet<string>;
}

interface Node {
  readonly world: World;
  readonly from: Node | undefined;
  readonly event: Event | undefined;
  readonly depth: number;
  /** Nodes with an event that leads here. */
  readonly before: Node[];
}

/** Explores every state that any sequence of events, of any length, can reach with this policy. */
export function explore(policy: Policy): Exploration {
  const first: Node = { world: beginning(policy), from: undefined, event: undefined, depth: 0, before: [] };
  const nodes = new Map([[keyOf(first.world), first]]);
  const counterexamples: string[] = [];
  const edges = new Set<string>();
  let transitions = 0;
  let depth = 0;
  // A map iterates in the order of insertion, and includes what the loop adds: the search is breadth first.
  for (const node of nodes.values()) {
    depth = Math.max(depth, node.depth);
    for (const event of possibleEvents(policy, node.world)) {
      transitions++;
      const { after, wrong } = happen(policy, node.world, event);
      const [source, target] = [node.world.state.kind, after.state.kind];
      if (source !== target) edges.add(`${source} ${event.kind} ${target}`);
      const key = keyOf(after);
      const known = nodes.get(key);
      const next = known ?? { world: after, from: node, event, depth: node.depth + 1, before: [] };
      next.before.push(node);
      if (known === undefined) nodes.set(key, next);
      const objection = wrong ?? lateEnd(policy, after, event);
      if (objection !== undefined) {
        counterexamples.push(story(policy, { ...next, from: node, event }, objection));
      }
    }
  }
  for (const node of withoutWayOut([...nodes.values()])) {
    counterexamples.push(story(policy, node, 'no way leads from here to the exit'));
  }
  return { worlds: nodes.size, transitions, depth, counterexamples, edges };
}

/** With --stop-timeout, a stop signal leads to the exit within delay, timeout and grace, even if no process obeys. */
function lateEnd(policy: Policy, world: World, event: Event): string | undefined {
  const { stopTimeoutMs, stopDelayMs, graceMs } = policy.options;
  const isStopped = 'stoppedBy' in world.state && world.state.stoppedBy !== undefined;
  if (event.kind !== 'signal' || stopTimeoutMs === undefined || !isStopped) return undefined;
  const endsInMs = longestEnd(policy, world);
  const most = stopDelayMs + stopTimeoutMs + graceMs;
  if (endsInMs === undefined) return 'a stop signal came, and nothing leads to the exit';
  return endsInMs > most
    ? `a stop signal came, and it takes ${endsInMs} ms to the exit, not ${most}`
    : undefined;
}

function withoutWayOut(nodes: readonly Node[]): Node[] {
  const leadsOut = new Set(nodes.filter(({ world }) => world.exits > 0));
  for (const node of leadsOut) for (const before of node.before) leadsOut.add(before);
  return nodes.filter((node) => !leadsOut.has(node));
}

/** The events, one a line, and what is wrong in the end. */
function story(policy: Policy, last: Node, wrong: string): string {
  const lines: string[] = [];
  for (let node: Node | undefined = last; node?.event !== undefined; node = node.from) {
    lines.unshift(`  ${describeEvent(node.event)} -> ${node.world.state.kind}`);
  }
  const { options, ...rest } = policy;
  const given = JSON.stringify({ ...rest, ...options, rewrite: [...options.rewrite] });
  return [`With ${given}:`, ...lines, `  WRONG: ${wrong}`].join('\n');
}
