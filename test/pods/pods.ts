import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, inject, onTestFinished } from 'vitest';
import { processName } from '../../src/process-tree/printable-name.ts';
import { type Output, run } from '../engine/docker.ts';
import { lacking } from '../helpers/needs.ts';
import { allProcesses, descendantsOf, statusField, until } from '../helpers/proc.ts';
import { type RunningInit, startProcess } from '../helpers/run-init.ts';
import { mustPodman, onHost, type Pause, type PodmanHost, podman, podmanOn } from './podman.ts';

const parts = inject('podman');
/** Read only inside the tests of describePods. */
const host = parts.kind === 'ready' ? parts.host : ({} as PodmanHost);

/** A group of tests. Without podman it is skipped. */
export function describePods(name: string, tests: () => void): void {
  describe(name, lacking(parts.kind === 'missing' ? parts.lack : undefined), tests);
}

/** How a container ended. */
interface End {
  readonly status: number;
  /** From `podman stop` to its return. */
  readonly tookMs: number;
}

export interface PodContainer {
  /** The next line of its standard output. @throws at its end */
  nextLine(): Promise<string>;
  /** All of its standard output. */
  output(): Promise<string>;
  /** Standard error so far. */
  stderr(): string;
  /** `podman exec`. */
  exec(...command: readonly string[]): Promise<Output>;
  /** `podman healthcheck run`: its liveness probe. @returns 0 if it succeeds */
  probe(): Promise<number | null>;
  /** `podman stop`. */
  stop(waitSeconds: number): Promise<End>;
  /** Its exit status. */
  status(): Promise<number>;
  /** What runs in its PID namespace, as `untilOnly` writes it. */
  processes(): string[];
}

export interface Pod {
  container(name: string): Promise<PodContainer>;
  /** The pause container. */
  pause(): Promise<PodContainer>;
  /** Asks a container as the kubelet does, from the host. @returns whether the answer is a success */
  get(port: number, path: string): Promise<boolean>;
  /** `podman pod stop`. @returns how long it took, in milliseconds */
  stop(waitSeconds: number): Promise<number>;
}

/** Plays a manifest of one pod, and waits until all of it is started. When the test finishes, the pod is removed. */
export async function playPod(manifest: string, pause: Pause = 'podman'): Promise<Pod> {
  const file = join(host.folder, 'pod.yaml');
  writeFileSync(file, manifest);
  onTestFinished(async () => void (await mustPodman(host, 'pod', 'rm', '--force', '--time=0', '--all')));
  const played = await mustPodman({ ...host, pause }, 'kube', 'play', file);
  const id = /^Pod:\n(\w+)$/m.exec(played)?.[1] as string;
  const inspect = (template: string) => mustPodman(host, 'pod', 'inspect', `--format=${template}`, id);
  const [name, pauseId] = (await inspect('{{.Name}} {{.InfraContainerID}}')).split(' ') as [string, string];
  return {
    container: (container) => containerOf(`${name}-${container}`),
    pause: () => containerOf(pauseId),
    async get(port, path) {
      const template = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
      const address = await mustPodman(host, 'inspect', `--format=${template}`, pauseId);
      const ask = 'fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1))';
      const url = `http://${address}:${port}${path}`;
      const [file, ...args] = onHost(host, process.execPath, '-e', ask, url);
      return (await run(file, args)).code === 0;
    },
    async stop(waitSeconds) {
      const start = performance.now();
      await mustPodman(host, 'pod', 'stop', `--time=${waitSeconds}`, id);
      return performance.now() - start;
    },
  };
}

async function containerOf(name: string): Promise<PodContainer> {
  const inspect = (template: string) => mustPodman(host, 'inspect', `--format=${template}`, name);
  const namespace = namespaceOf(outerPid(await inspect('{{.State.Pid}}')));
  const status = async () => Number(await inspect('{{.State.ExitCode}}'));
  let followed: RunningInit | undefined;
  const follow = () => {
    followed ??= startProcess(podmanOn(host, 'logs', '--follow', name));
    return followed;
  };
  return {
    nextLine: () => follow().nextLine(),
    output: async () => (await podman(host, 'logs', name)).stdout,
    stderr: () => follow().stderr(),
    exec: (...args) => podman(host, 'exec', name, ...args),
    probe: async () => (await podman(host, 'healthcheck', 'run', name)).code,
    async stop(waitSeconds) {
      const start = performance.now();
      await mustPodman(host, 'stop', `--time=${waitSeconds}`, name);
      return { tookMs: performance.now() - start, status: await status() };
    },
    status,
    processes: () =>
      allProcesses()
        .filter(({ pid }) => namespaceOf(pid) === namespace)
        .map((stat) => `${processName(stat)}${stat.state === 'Z' ? ' (zombie)' : ''}`)
        .sort(),
  };
}

/** A process of the host, by its pid there. @returns its pid as the tests see it */
function outerPid(pid: string): number {
  const found = descendantsOf(host.pid).find((stat) => statusField(stat.pid, 'NSpid').split('\t')[1] === pid);
  if (found === undefined) throw new Error(`no process ${pid} on the host`);
  return found.pid;
}

/** Undefined once the process is gone. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Waits until the PID namespace of a container has only these processes. */
export async function untilOnly(container: PodContainer, ...names: readonly string[]): Promise<void> {
  const expected = [...names].sort().join();
  try {
    await until(() => container.processes().join() === expected, `only ${expected} in the pod`);
  } catch (error) {
    throw new Error(`${(error as Error).message}; there is ${container.processes()}`);
  }
}
