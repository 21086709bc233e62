import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildFolder } from '../helpers/environment.ts';
import { docker, isInstalled, must, run } from './docker.ts';

/** A folder of files that the engine tests keep for the next run. */
export const engineFolder = resolve(buildFolder, 'engine');

/** A label on every container and image of the tests. */
export const testLabel = 'subreaper.test';

export interface Engine {
  /** The value of DOCKER_HOST; undefined for the default engine. */
  readonly host: string | undefined;
  /** Removes the containers of the tests, and ends the engine if it was started for them. */
  stop(): Promise<void>;
}

/** Finds a running engine, or starts one. @returns the reason if there is none */
export async function startEngine(): Promise<Engine | string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'not root on Linux';
  if (!(await isInstalled('docker'))) return 'no docker: install docker.io';
  const { code } = await docker('version');
  if (code === 0) return { host: undefined, stop: removeContainers };
  if (!(await isInstalled('dockerd'))) return 'no engine answers, and there is no dockerd: install docker.io';
  return startOwn();
}

/** Starts an engine beside any other. @param options further ones of dockerd */
export async function startOwn(options: readonly string[] = []): Promise<Engine> {
  // The path of a socket must be short: sockaddr_un has 108 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-engine-'));
  const kept = join(engineFolder, 'docker');
  const dataRoot = isInUse(kept) ? join(folder, 'docker') : kept;
  mkdirSync(dataRoot, { recursive: true });
  // A killed engine leaves its pid file. dockerd then takes any process with that pid for the engine.
  rmSync(pidFile(dataRoot), { force: true });
  const socket = join(folder, 'docker.sock');
  const host = `unix://${socket}`;
  const logFile = `${dataRoot}.log`;

  const log = openSync(logFile, 'w');
  // It ends with this process, whatever ends it, and then stops the containers. It makes no network, which would change
  // the machine's.
  const dockerd = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'dockerd', '--host', host],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
      ...['--data-root', dataRoot, '--exec-root', join(folder, 'exec'), '--pidfile', pidFile(dataRoot)],
      ...options,
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const hasEnded = new Promise<void>((end) => {
    dockerd.on('error', () => end());
    dockerd.on('exit', () => end());
  });

  async function stop(): Promise<void> {
    // A second start of the tests in this process looks for an engine again.
    if (process.env['DOCKER_HOST'] === host) delete process.env['DOCKER_HOST'];
    dockerd.kill('SIGTERM');
    await hasEnded;
    for (const mount of mountsBelow([dataRoot, folder])) await run('umount', ['--lazy', mount]);
    rmSync(folder, { recursive: true, force: true });
  }

  if (!(await answers(dockerd, socket))) {
    await stop();
    throw new Error(`dockerd does not answer:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
  }
  process.env['DOCKER_HOST'] = host;
  return {
    host,
    async stop() {
      await removeContainers();
      await stop();
    },
  };
}

const pidFile = (dataRoot: string) => join(dataRoot, 'dockerd.pid');

/** Tests that run at the same time start two engines, which must not share a data root. */
function isInUse(dataRoot: string): boolean {
  try {
    const pid = readFileSync(pidFile(dataRoot), 'utf8').trim();
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataRoot);
  } catch {
    return false;
  }
}

/** Polls until the engine answers or ends, for at most 30 s. */
async function answers(dockerd: ChildProcess, socket: string): Promise<boolean> {
  const ping = () =>
    new Promise<boolean>((done) => {
      const asked = request({ socketPath: socket, path: '/_ping', agent: false }, (answer) => {
        answer.resume();
        done(answer.statusCode === 200);
      });
      asked.on('error', () => done(false));
      asked.end();
    });
  const end = performance.now() + 30_000;
  while (dockerd.exitCode === null && dockerd.signalCode === null && performance.now() < end) {
    if (existsSync(socket) && (await ping())) return true;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return false;
}

/** Deepest first. */
function mountsBelow(folders: readonly string[]): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => folders.some((folder) => point.startsWith(`${folder}/`))).reverse();
}

async function removeContainers(): Promise<void> {
  const left = await must('docker', ['ps', '--all', '--quiet', '--filter', `label=${testLabel}`]);
  if (left !== '') await must('docker', ['rm', '--force', '--volumes', ...left.split('\n')]);
}
