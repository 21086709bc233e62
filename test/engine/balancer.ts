import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { slowness } from '../helpers/slowness.mjs';

/** A client that spreads its requests over replicas, as a load balancer does. */
export interface Balancer {
  /** How many requests each task answered, by task name. */
  readonly answers: ReadonlyMap<string, number>;
  /** Requests that got no answer, each with the reason. */
  readonly failures: readonly string[];
  /** How many connections were refused; each such request went to the next replica. */
  refusals(): number;
  /** Takes the replica out. */
  leave(port: number): void;
  /** Takes the replica in again. */
  join(port: number): void;
  /** Stops, and waits for open requests. */
  stop(): Promise<void>;
}

/** The requests of one worker. */
interface Traffic {
  readonly keepsAlive: boolean;
  durationMs(): number;
}

const fast = () => 20;
const slow = () => 200 + 300 * Math.random();

const workers: readonly Traffic[] = [
  { keepsAlive: true, durationMs: fast },
  { keepsAlive: false, durationMs: fast },
  { keepsAlive: true, durationMs: slow },
  { keepsAlive: false, durationMs: slow },
  { keepsAlive: true, durationMs: slow },
  { keepsAlive: false, durationMs: slow },
];

/**
 * Asks the replicas in turn, with several open requests at any time. If a replica refuses the connection, the next one
 * gets the request. Any error on an open connection is a failure.
 */
export function startBalancer(ports: readonly number[]): Balancer {
  const answers = new Map<string, number>();
  const failures: string[] = [];
  const chosen = new Set(ports);
  const agents = new Map(ports.map((port) => [port, keepingAlive()]));
  const agentsOfOld: Agent[] = [];
  const start = performance.now();
  let turn = 0;
  let refusals = 0;
  let isStopped = false;

  async function askInTurn({ keepsAlive, durationMs }: Traffic): Promise<void> {
    const first = turn++;
    const ms = durationMs();
    const order = ports.map((_, step) => ports[(first + step) % ports.length] as number);
    for (const port of order.filter((port) => chosen.has(port))) {
      const answer = await ask(port, ms, keepsAlive ? agents.get(port) : false);
      if (answer.kind === 'refused') {
        refusals++;
        continue;
      }
      const atMs = Math.round(performance.now() - start);
      if (answer.kind === 'failed') failures.push(`${answer.reason} (port ${port}, after ${atMs} ms)`);
      else answers.set(answer.task, (answers.get(answer.task) ?? 0) + 1);
      return;
    }
    failures.push('refused by all');
  }

  async function work(traffic: Traffic): Promise<void> {
    while (!isStopped) await askInTurn(traffic);
  }

  const working = workers.map(work);
  return {
    answers,
    failures,
    refusals: () => refusals,
    leave(port) {
      chosen.delete(port);
      // Its connections serve open requests only. Destroying the agent would cut them.
      agentsOfOld.push(agents.get(port) as Agent);
      agents.set(port, keepingAlive());
    },
    join: (port) => void chosen.add(port),
    async stop() {
      isStopped = true;
      await Promise.all(working);
      for (const agent of [...agents.values(), ...agentsOfOld]) agent.destroy();
    },
  };
}

const keepingAlive = () => new Agent({ keepAlive: true });

type Answer =
  | { readonly kind: 'answered'; readonly task: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly reason: string };

/** One request to one replica. */
export function ask(port: number, ms: number, agent: Agent | false | undefined): Promise<Answer> {
  return new Promise((done) => {
    const fail = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') done({ kind: 'refused' });
      else done({ kind: 'failed', reason: error.message });
    };
    const path = `/?ms=${Math.round(ms)}`;
    const asked = get({ host: '127.0.0.1', port, path, agent, timeout: 10_000 * slowness() }, (response) => {
      text(response).then((task) => {
        if (response.statusCode === 200) done({ kind: 'answered', task });
        else done({ kind: 'failed', reason: `status ${response.statusCode}` });
      }, fail);
    });
    asked.on('error', fail);
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
  });
}
