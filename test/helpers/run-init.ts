import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { launcher, unshareArguments } from './environment.ts';
import { childrenOf, descendantsOf, processStat, until } from './proc.ts';

/** As PID 1 of a PID namespace of its own, or as a plain subreaper among other processes. */
export type Mode = 'pid1' | 'subreaper';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningInit {
  /** init's pid in the namespace of the test. */
  readonly pid: number;
  readonly process: ChildProcess;
  readonly stdin: Writable;
  /** The next line of the workload's standard output. @throws at its end */
  nextLine(): Promise<string>;
  /** All that was written to standard error so far. */
  stderr(): string;
  readonly exit: Promise<Exit>;
  kill(signal: NodeJS.Signals | number): void;
}

export interface InitOptions {
  readonly mode?: Mode;
  readonly options?: readonly string[];
  readonly command: readonly string[];
  /** What starts the launcher: ['node', launcher] for the way without a shell. */
  readonly launch?: readonly string[];
  readonly spawn?: SpawnOptions;
}

/** The command line that runs init in that mode. */
export function initCommand({
  mode = 'subreaper',
  options = [],
  command,
  launch = [launcher],
}: InitOptions): string[] {
  const line = [...launch, ...options, '--', ...command];
  return mode === 'pid1' ? ['unshare', ...(unshareArguments ?? []), '--', ...line] : line;
}

/** Starts init over a workload. Whatever is left of it when the test finishes is killed. */
export async function startInit(init: InitOptions): Promise<RunningInit> {
  const [file, ...args] = initCommand(init) as [string, ...string[]];
  const child = spawn(file, args, { stdio: 'pipe', ...init.spawn });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const spawned = child.pid as number;
  onTestFinished(async () => {
    killWithDescendants(spawned);
    await exit;
  });

  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const pid =
    init.mode === 'pid1'
      ? await until(
          () => childrenOf(spawned)[0]?.pid ?? (child.exitCode === null ? undefined : 0),
          'unshare forks',
        )
      : spawned;
  return {
    pid,
    process: child,
    stdin: child.stdin as Writable,
    nextLine: child.stdout === null ? () => Promise.reject(new Error('no stdout')) : lineReader(child.stdout),
    stderr: () => errors,
    exit,
    kill: (signal) => process.kill(pid, signal),
  };
}

/** Runs init to its end. */
export async function runInit(init: InitOptions): Promise<Exit & { stdout: string; stderr: string }> {
  const running = await startInit(init);
  let stdout = '';
  running.stdin.end();
  for (;;) {
    const line = await running.nextLine().catch(() => undefined);
    if (line === undefined) break;
    stdout += `${line}\n`;
  }
  const exit = await running.exit;
  return { ...exit, stdout, stderr: running.stderr() };
}

function lineReader(stream: Readable): () => Promise<string> {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the output ended');
    return value;
  };
}

/** Round after round, since a process that is not yet killed may fork. */
function killWithDescendants(pid: number): void {
  for (;;) {
    const alive = [processStat(pid), ...descendantsOf(pid)].filter((stat) => stat && stat.state !== 'Z');
    if (alive.length === 0) return;
    for (const stat of alive) {
      try {
        process.kill((stat as { pid: number }).pid, 'SIGKILL');
      } catch {
        // It ended between the look and the kill.
      }
    }
  }
}
