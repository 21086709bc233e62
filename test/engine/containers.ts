import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { describe, inject, onTestFinished } from 'vitest';
import { lacking } from '../helpers/needs.ts';
import { allProcesses, type ProcessStat, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';
import { startTerminal, type Terminal } from '../helpers/terminal.ts';
import { docker, mustDocker, type Output } from './docker.ts';
import { testLabel } from './engine.ts';

const engine = inject('engine');
if (engine.kind === 'ready' && engine.host !== undefined) process.env['DOCKER_HOST'] = engine.host;

/** The images of images.ts; `debian` is the one that tests run unless they name another. */
export const images =
  engine.kind === 'ready'
    ? { ...engine.images, base: engine.base }
    : { debian: '', withoutShell: '', base: '' };

/** The launcher in all of them. */
export const launcher = '/app/node_modules/.bin/subreaper';

/** A group of tests. Without an engine it is skipped. */
export function describeEngine(name: string, tests: () => void): void {
  describe(name, lacking(engine.kind === 'missing' ? `a Docker Engine: ${engine.reason}` : undefined), tests);
}

export interface ContainerOptions {
  readonly image?: string;
  /** Options of `docker run`. */
  readonly options?: readonly string[];
  readonly entrypoint?: string;
  /** Arguments of the entrypoint. With the images' own entrypoint: the workload. */
  readonly command: readonly string[];
}

export interface Container {
  readonly id: string;
  /** The pid of its first process, as the tests see it. */
  readonly pid: number;
  /** The next line of its standard output. @throws at its end, which it tells */
  nextLine(): Promise<string>;
  /** All its output. */
  logs(): Promise<Output>;
  /** Waits for its end. @returns the exit code that the engine reports */
  wait(): Promise<number>;
  /** `docker stop`. @returns how long it took */
  stop(): Promise<number>;
  /** `docker kill`. */
  signal(name: string): Promise<void>;
  exec(...command: readonly string[]): Promise<Output>;
  /** A field of `docker inspect`, as a Go template. */
  inspect(template: string): Promise<string>;
  /** The processes of its PID namespace, zombies too, read from outside. */
  processes(): ProcessStat[];
}

/** So long that docker stop kills nothing: a container ends by itself, or the test fails. */
const stopTimeoutSeconds = 600;

function runArguments({
  image = images.debian,
  options = [],
  entrypoint,
  command,
}: ContainerOptions): string[] {
  const network = options.some((option) => option.startsWith('--network')) ? [] : ['--network=none'];
  const first = entrypoint === undefined ? [] : ['--entrypoint', entrypoint];
  return [
    ...['--label', testLabel, `--stop-timeout=${stopTimeoutSeconds}`, ...network, ...options],
    ...[...first, image, ...command],
  ];
}

/** Starts a container in the background. When the test finishes, it is removed. */
export async function startContainer(container: ContainerOptions): Promise<Container> {
  const id = await mustDocker('run', '--detach', ...runArguments(container));
  onTestFinished(async () => {
    await mustDocker('rm', '--force', '--volumes', id);
  });
  const inspect = (template: string) => mustDocker('inspect', '--format', template, id);
  const pid = Number(await inspect('{{.State.Pid}}'));
  const namespace = pid === 0 ? undefined : namespaceOf(pid);
  let lines: (() => Promise<string>) | undefined;
  return {
    id,
    pid,
    async nextLine() {
      lines ??= startProcess(['docker', 'logs', '--follow', id]).nextLine;
      try {
        return await lines();
      } catch (error) {
        const state = await inspect('{{json .State}}');
        throw new Error(`no more output. ${state} ${JSON.stringify(await docker('logs', id))}`, {
          cause: error,
        });
      }
    },
    logs: () => docker('logs', id),
    wait: async () => Number(await mustDocker('wait', id)),
    async stop() {
      const start = performance.now();
      await mustDocker('stop', id);
      return performance.now() - start;
    },
    signal: async (name) => void (await mustDocker('kill', '--signal', name, id)),
    exec: (...command) => docker('exec', id, ...command),
    inspect,
    processes: () =>
      namespace === undefined ? [] : allProcesses().filter((stat) => namespaceOf(stat.pid) === namespace),
  };
}

/** Runs a container and waits for its end. */
export async function runContainer(container: ContainerOptions): Promise<Output> {
  const started = await startContainer(container);
  const code = await started.wait();
  return { ...(await started.logs()), code };
}

/** Starts a container on a terminal. When the test finishes, it is removed. */
export function startContainerOnTerminal(container: ContainerOptions): Terminal {
  const name = `subreaper-test-${randomUUID()}`;
  onTestFinished(async () => void (await docker('rm', '--force', '--volumes', name)));
  return startTerminal([
    ...['docker', 'run', '--interactive', '--tty', '--env', 'TERM=dumb', '--name', name],
    ...runArguments(container),
  ]);
}

/** Undefined once the process is gone. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

export const areZombies = ({ state }: ProcessStat) => state === 'Z';

/** Waits until the container has only these processes, such as init and its workload. */
export function untilOnly(container: Container, names: readonly string[]): Promise<boolean> {
  const sorted = [...names].sort().join();
  const present = () =>
    container
      .processes()
      .map(({ name, state }) => (state === 'Z' ? `${name} (zombie)` : name))
      .sort()
      .join();
  return until(() => present() === sorted, `only ${sorted} in the container`).catch((error) => {
    throw new Error(`${error.message}; there is ${present()}`);
  });
}
