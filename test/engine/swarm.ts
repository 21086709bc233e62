import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';
import { ask } from './balancer.ts';
import { images } from './containers.ts';
import { docker, mustDocker } from './docker.ts';
import { testLabel } from './engine.ts';

export type Swarm =
  | { readonly kind: 'joined'; leave(): Promise<void> }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Makes the engine a swarm of one node, unless it is part of one. */
export async function joinSwarm(): Promise<Swarm> {
  const [state, isManager] = (
    await mustDocker('info', '--format', '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}')
  ).split(' ');
  if (state === 'inactive') await initSwarm();
  else if (isManager !== 'true')
    return { kind: 'unusable', reason: `the engine is in a swarm (${state}), and no manager of it` };
  // An engine that was killed during the tests is still in their swarm.
  const isOurs = (await mustDocker('node', 'inspect', '--format', '{{.Spec.Labels}}', 'self')).includes(
    testLabel,
  );
  await removeServices();
  return {
    kind: 'joined',
    async leave() {
      await removeServices();
      if (isOurs) await leaveSwarm();
    },
  };
}

async function initSwarm(): Promise<void> {
  // Its ports are those of the whole machine, so only this machine may reach them.
  await mustDocker('swarm', 'init', '--advertise-addr=127.0.0.1', '--listen-addr=127.0.0.1');
  try {
    await mustDocker('node', 'update', '--label-add', testLabel, await nodeId());
  } catch (error) {
    await leaveSwarm();
    throw error;
  }
}

const nodeId = () => mustDocker('info', '--format', '{{.Swarm.NodeID}}');

async function leaveSwarm(): Promise<void> {
  await mustDocker('swarm', 'leave', '--force');
  // A bridge of the machine, which a swarm makes and does not remove.
  await mustDocker('network', 'rm', 'docker_gwbridge');
}

async function removeServices(): Promise<void> {
  const left = await mustDocker('service', 'ls', '--quiet', '--filter', `label=${testLabel}`);
  if (left !== '') await mustDocker('service', 'rm', ...left.split('\n'));
}

export interface Task {
  readonly id: string;
  readonly slot: number;
  readonly isOld: boolean;
  readonly state: string;
  readonly exitCode: number | undefined;
}

/** An action of the engine on the replica at a port. */
type ReplicaEvent = { readonly port: number; readonly action: 'kill' | 'start' };

export interface Service {
  readonly ports: readonly number[];
  onReplica(listener: (event: ReplicaEvent) => void): void;
  /** Replaces each task by a new one. @returns how long it took, by the engine */
  update(): Promise<number>;
  tasks(): Promise<Task[]>;
}

export interface ServiceOptions {
  readonly options: readonly string[];
  /** Arguments of the images' entrypoint, or of the one in the options. */
  readonly command: readonly string[];
  /** How long a task has to end before it is killed. */
  readonly stopGraceSeconds: number;
}

/**
 * Starts three replicas of swarm-app.mjs, and waits until they answer. When the test finishes, they are removed.
 * They use the host's network: a new task has the port of the old one, which must end first.
 */
export async function startService({ options, command, stopGraceSeconds }: ServiceOptions): Promise<Service> {
  const name = `subreaper-test-${randomUUID().slice(0, 8)}`;
  const ports = await freePorts(3);
  onTestFinished(async () => void (await docker('service', 'rm', name)));
  const events = watch(name);
  const app = readFileSync(new URL('./swarm-app.mjs', import.meta.url), 'utf8');
  await mustDocker(
    ...['service', 'create', '--detach', '--quiet', '--no-resolve-image', '--name', name],
    ...['--label', testLabel, '--container-label', testLabel],
    ...['--replicas=3', '--network=host', `--constraint=node.id==${await nodeId()}`],
    ...[`--stop-grace-period=${stopGraceSeconds}s`, '--restart-condition=none'],
    ...['--update-parallelism=1', '--update-order=stop-first', '--update-delay=100ms', '--update-monitor=1s'],
    ...['--env', `PORTS=${ports}`, '--env', 'SLOT={{.Task.Slot}}', '--env', 'TASK={{.Task.ID}}'],
    ...[...options, images.debian, ...command, '--input-type=module', '--eval', app],
  );
  await Promise.all(ports.map(untilAnswered));

  return {
    ports,
    onReplica: (listener) =>
      events.on((event) => {
        const slot = event.Actor.Attributes['com.docker.swarm.task.name']?.split('.')[1];
        const isStop = event.Action === 'kill' && event.Actor.Attributes['signal'] === '15';
        if (slot !== undefined && (isStop || event.Action === 'start'))
          listener({ port: ports[Number(slot) - 1] as number, action: isStop ? 'kill' : 'start' });
      }),
    async update() {
      let state: string | undefined;
      events.on(({ Action, Actor }) => {
        if (Action === 'update') state = Actor.Attributes['updatestate.new'] ?? state;
      });
      await mustDocker('service', 'update', '--detach', '--quiet', '--force', name);
      await until(() => state !== undefined && state !== 'updating', 'the update has ended');
      if (state !== 'completed') throw new Error(`the update is ${state}`);
      const status = JSON.parse(
        await mustDocker('service', 'inspect', '--format', '{{json .UpdateStatus}}', name),
      ) as { StartedAt: string; CompletedAt: string };
      return Date.parse(status.CompletedAt) - Date.parse(status.StartedAt);
    },
    async tasks() {
      const ids = await mustDocker('service', 'ps', '--no-trunc', '--quiet', name);
      const inspected = await mustDocker('inspect', '--type=task', ...ids.split('\n'));
      return (JSON.parse(inspected) as InspectedTask[]).map(({ ID, Slot, DesiredState, Status }) => ({
        id: ID,
        slot: Slot,
        isOld: DesiredState !== 'running',
        state: Status.State,
        exitCode: Status.ContainerStatus?.ExitCode,
      }));
    },
  };
}

interface InspectedTask {
  readonly ID: string;
  readonly Slot: number;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly ContainerStatus?: { readonly ExitCode?: number } };
}

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

/** The engine's events of a service and of its containers. */
function watch(service: string): { on(listener: (event: EngineEvent) => void): void } {
  const listeners: ((event: EngineEvent) => void)[] = [];
  const sinceSeconds = Math.floor(Date.now() / 1000);
  const { nextLine } = startProcess([
    ...['docker', 'events', '--format', '{{json .}}', '--since', `${sinceSeconds}`],
    ...['--filter', 'type=container', '--filter', 'type=service'],
  ]);
  const follow = async () => {
    for (;;) {
      const event = JSON.parse(await nextLine()) as EngineEvent;
      const { name, 'com.docker.swarm.service.name': owner } = event.Actor.Attributes;
      if (name === service || owner === service) for (const listener of listeners) listener(event);
    }
  };
  // The stream ends with the test. Callers that still wait for an event have a deadline.
  follow().catch(() => {});
  return { on: (listener) => void listeners.push(listener) };
}

export async function untilAnswered(port: number): Promise<void> {
  await until(
    async () => (await ask(port, 0, false)).kind === 'answered',
    `port ${port} answers`,
    undefined,
    20,
  );
}

/** Below the ports that the kernel gives to clients. */
async function freePorts(count: number): Promise<number[]> {
  const free: number[] = [];
  while (free.length < count) {
    const port = 20_000 + Math.floor(12_000 * Math.random());
    if (!free.includes(port) && (await isFree(port))) free.push(port);
  }
  return free;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
