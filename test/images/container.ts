import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { childrenOf, until } from '../helpers/proc.ts';
import { type RunningInit, runToEnd, startProcess } from '../helpers/run-init.ts';
import type { Image } from './images.ts';
import { runFolder } from './layers.ts';

const enter = resolve(import.meta.dirname, 'enter.sh');
/** By its path: it is executed with the PATH of the image. */
const unshare = '/usr/bin/unshare';

/** A folder for what containers of an image write. It goes with the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(runFolder, 'container-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** What the way into the root needs is inheritable: as another user than root, a program gets none of that. */
const confine = [
  ...['setpriv', '--inh-caps=-all,+sys_chroot,+setuid,+setgid'],
  ...['setpriv', '--bounding-set=-all', '--no-new-privs'],
];

type Settings = Pick<Image, 'env' | 'user' | 'isReadOnly' | 'isConfined' | 'layers'>;

/** Starts a command as PID 1 in the root of an image, in /app. */
export async function startContainer(
  { env, user, isReadOnly, isConfined, layers }: Settings,
  command: readonly string[],
  folder = makeFolder(),
): Promise<RunningInit> {
  const { app, made } = inject('images');
  const folders = [app, ...layers.map((name) => made[name])].join(':');
  const started = startProcess([
    // With it ends all that runs in the container.
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'],
    ...['sh', enter, folder, folders, isReadOnly ? 'ro' : 'rw'],
    ...(isConfined ? confine : []),
    ...['env', '--ignore-environment', ...Object.entries(env).map((entry) => entry.join('='))],
    ...[unshare, `--root=${folder}/root`, '--wd=/app', `--setgid=${user}`, `--setuid=${user}`],
    ...command,
  ]);
  const isGone = () => started.process.exitCode !== null || started.process.signalCode !== null;
  const pid = await until(
    () => (isGone() ? started.pid : childrenOf(started.pid)[0]?.pid),
    'PID 1 has been forked',
  );
  return { ...started, pid, kill: (signal) => process.kill(pid, signal) };
}

/** Runs a command as PID 1 to its end. */
export async function runContainer(...args: Parameters<typeof startContainer>) {
  return runToEnd(await startContainer(...args));
}
