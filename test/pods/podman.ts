import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, must, type Output, run } from '../engine/docker.ts';
import { launcher } from '../helpers/environment.ts';
import { lackOf } from '../helpers/needs.ts';
import { childrenOf, until } from '../helpers/proc.ts';

/** Who is the pause process of a new pod: podman's own (catatonit), or `subreaper --pause`. */
export type Pause = 'podman' | 'subreaper';

/** The image of the second one. images.ts builds it. */
export const pauseImage = 'localhost/subreaper-pause:latest';

/** Where podman runs: the namespaces of a process, and a folder for all that podman writes. */
export interface PodmanHost {
  readonly pid: number;
  readonly folder: string;
  readonly pause: Pause;
}

/** The command line of a command in the namespaces of the host. */
export function onHost({ pid }: PodmanHost, ...command: readonly string[]): [string, ...string[]] {
  return ['nsenter', `--target=${pid}`, '--pid', '--mount', '--net', ...command];
}

/** The command line of a podman command. */
export function podmanOn(host: PodmanHost, ...args: readonly string[]): [string, ...string[]] {
  const { folder, pause } = host;
  return onHost(
    host,
    ...['env', `CONTAINERS_CONF=${folder}/${pause}.conf`, 'podman'],
    ...[`--root=${folder}/root`, `--runroot=${folder}/runroot`, `--tmpdir=${folder}/tmp`],
    ...args,
  );
}

/** Runs a podman command. */
export function podman(host: PodmanHost, ...args: readonly string[]): Promise<Output> {
  const [file, ...rest] = podmanOn(host, ...args);
  return run(file, rest);
}

/** The same for a command that must succeed. @returns its standard output, trimmed @throws with its standard error */
export function mustPodman(host: PodmanHost, ...args: readonly string[]): Promise<string> {
  const [file, ...rest] = podmanOn(host, ...args);
  return must(file, rest);
}

/**
 * Starts a host for podman: PID, mount and network namespaces of its own, so that podman changes nothing of the machine,
 * and nothing that it starts outlives the host.
 * @returns the reason if podman cannot run a pod here
 */
export async function startPodman(): Promise<{ host: PodmanHost; stop(): Promise<void> } | string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'root, on Linux';
  const lack = lackOf('namespaces');
  if (lack !== undefined) return lack;
  if (!(await isInstalled('podman'))) return 'podman: apt-get install podman runc netavark';
  // The paths of sockets must be short: sockaddr_un has 108 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-pods-'));
  writeFileSync(join(folder, 'podman.conf'), configuration());
  writeFileSync(join(folder, 'subreaper.conf'), configuration(`infra_image = "${pauseImage}"`));

  // podman also writes below /run and /var/lib. PID 1 reaps for conmon, podman's monitor of a container.
  const mounts = 'mount -t tmpfs none /run && mount -t tmpfs none /var/lib';
  const namespaces = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--net'];
  const unshare = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', ...namespaces],
      ...['sh', '-c', `${mounts} && exec "$0" --pause`, launcher],
    ],
    { stdio: 'inherit' },
  );
  const hasEnded = once(unshare, 'exit');
  const stop = async () => {
    unshare.kill('SIGKILL');
    await hasEnded;
    rmSync(folder, { recursive: true });
  };
  try {
    const pid = await until(() => {
      if (unshare.exitCode !== null) throw new Error(`the namespaces ended with ${unshare.exitCode}`);
      return childrenOf(unshare.pid as number).find(({ name }) => name === 'subreaper')?.pid;
    }, 'the host is up');
    const host: PodmanHost = { pid, folder, pause: 'podman' };
    const reason = await whyNoPod(host);
    if (reason === undefined) return { host, stop };
    await stop();
    return `podman runs no pod here: ${reason}`;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Works without systemd, and with cgroups of any layout. */
function configuration(...engine: readonly string[]): string {
  const lines = ['cgroup_manager = "cgroupfs"', 'events_logger = "file"', 'runtime = "runc"', ...engine];
  return `[engine]\n${lines.join('\n')}\n[network]\nnetwork_backend = "netavark"\n`;
}

/** Runs a pod of nothing but podman's own pause process. @returns what podman says if it cannot */
async function whyNoPod(host: PodmanHost): Promise<string | undefined> {
  for (const step of [
    ['create', '--name=trial'],
    ['start', 'trial'],
    ['rm', '--force', 'trial'],
  ]) {
    const { code, stderr } = await podman(host, 'pod', ...step);
    if (code !== 0) return stderr.trim().split('\n').at(-1);
  }
  return undefined;
}
