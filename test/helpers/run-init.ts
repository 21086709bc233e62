import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { launcher, unshareArguments } from './environment.ts';
import {
  childrenOf,
  descendantsOf,
  type ProcessStat,
  processStat,
  runningWith,
  threadsOf,
  until,
  zombiesOf,
} from './proc.ts';
import { spawnPatiently } from './spawn-patiently.ts';

/** As PID 1 of a PID namespace of its own, or as a plain subreaper among other processes. */
export type Mode = 'pid1' | 'subreaper';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningInit {
  /** init's pid, as the test sees it. */
  readonly pid: number;
  readonly process: ChildProcess;
  readonly stdin: Writable;
  /** The next line of the workload's standard output. @throws at its end */
  nextLine(): Promise<string>;
  /** Standard error so far. */
  stderr(): string;
  readonly exit: Promise<Exit>;
  kill(signal: NodeJS.Signals | number): void;
}

export interface InitOptions {
  readonly mode?: Mode;
  readonly options?: readonly string[];
  readonly command: readonly string[];
  /** The command that starts init: ['node', launcher] starts it without a shell. */
  readonly launch?: readonly string[];
  /** A command that runs all of this as its child, such as strace(1). */
  readonly under?: readonly string[];
  readonly spawn?: SpawnOptions;
}

/** The command line that runs init. */
export function initCommand({
  mode,
  options = [],
  command,
  launch = [launcher],
  under = [],
}: InitOptions): string[] {
  const namespace = mode === 'pid1' ? ['unshare', ...(unshareArguments ?? []), '--'] : [];
  return [...under, ...namespace, ...launch, ...options, '--', ...command];
}

/** Starts init with a workload. When the test finishes, all processes that are left are killed. */
export async function startInit(init: InitOptions): Promise<RunningInit> {
  const started = startProcess(initCommand(init), init.spawn);
  const isGone = () => started.process.exitCode !== null || started.process.signalCode !== null;
  let { pid } = started;
  const generations = (init.under === undefined ? 0 : 1) + (init.mode === 'pid1' ? 1 : 0);
  for (let generation = 0; generation < generations; generation++) {
    // The command in front may fork helpers first. They keep its name.
    const isInit = ({ name }: { name: string }) => generation > 0 || name !== init.under?.[0];
    pid = await until(() => (isGone() ? pid : childrenOf(pid).find(isInit)?.pid), 'init has been forked');
  }
  return { ...started, pid, kill: (signal) => process.kill(pid, signal) };
}

/** Starts a command line. When the test finishes, it and all its descendants are killed. */
export function startProcess(line: readonly string[], options: SpawnOptions = {}): RunningInit {
  const [file, ...args] = line as [string, ...string[]];
  const child = spawnPatiently(file, args, { stdio: 'pipe', ...options });
  const pid = child.pid as number;
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  onTestFinished(async () => {
    // Once it has ended, another process may have its pid.
    if (child.exitCode === null && child.signalCode === null) killWithDescendants(pid);
    await exit;
  });

  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
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

/** Starts init with a workload. A mark in the environment identifies all its processes. */
export async function startMarked(init: InitOptions) {
  const mark = randomUUID();
  const running = await startInit({ ...init, spawn: { env: { ...process.env, MARK: mark } } });
  // init itself and unshare(1) carry the mark as well.
  return { ...running, left: () => runningWith(mark) };
}

/** Runs init and waits for its end. */
export async function runInit(init: InitOptions): Promise<Exit & { stdout: string; stderr: string }> {
  return runToEnd(await startInit(init));
}

/** Waits for the end of a process, without input. */
export async function runToEnd(running: RunningInit): Promise<Exit & { stdout: string; stderr: string }> {
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

/**
 * Waits until init has adopted a daemon that is left by a double fork with setsid(2).
 *
 * Another child may be the launcher's that has not ended yet: that one is of init's own session.
 */
export async function adoptedDaemon({ pid: init }: { pid: number }): Promise<ProcessStat> {
  const { session: own } = processStat(init) as ProcessStat;
  return until(
    () => childrenOf(init).find(({ session, pid }) => session !== own && session !== pid),
    'init adopts the daemon',
  );
}

/** The workload: it leads a group in init's session. The launcher's fork may still be there, and an orphan's pid may be lower. */
export function workloadOf(init: number): ProcessStat {
  const { session: own } = processStat(init) as ProcessStat;
  const workload = childrenOf(init).find(({ pid, group, session }) => pid === group && session === own);
  if (workload === undefined) throw new Error(`no workload: ${JSON.stringify(childrenOf(init))}`);
  return workload;
}

/** Waits until init has no child but the workload, and so no zombie. */
export async function onlyTheWorkloadIsLeft(init: RunningInit): Promise<void> {
  await until(
    () => childrenOf(init.pid).length === 1 && zombiesOf(init.pid).length === 0,
    'every orphan is reaped',
  ).catch(({ message }) => {
    const left = { init: processStat(init.pid), children: childrenOf(init.pid) };
    throw new Error(`${message}: ${JSON.stringify(left)}; ${init.stderr()}`);
  });
}

/** Reads from the start on: otherwise the rest of a stream is lost when the process ends. */
function lineReader(stream: Readable): () => Promise<string> {
  const lines: string[] = [];
  let rest = '';
  let hasEnded = false;
  let wake = () => {};
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts);
    wake();
  });
  stream.on('close', () => {
    if (rest !== '') lines.push(rest);
    hasEnded = true;
    wake();
  });
  return async () => {
    while (lines.length === 0) {
      if (hasEnded) throw new Error('the output ended');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return lines.shift() as string;
  };
}

/**
 * Kills in rounds, because a process that is not yet killed may fork. Waits until all are gone, because on a slow machine
 * a killed process may still be there at the check for leaks. In the next round a pid may belong to another process.
 */
function killWithDescendants(pid: number): void {
  // A zombie with more than one thread is only the first of them.
  const runs = (stat: ProcessStat | undefined) =>
    stat !== undefined && (stat.state !== 'Z' || threadsOf(stat.pid).length > 1);
  const root = processStat(pid);
  let met = root === undefined ? [] : [root];
  while (met.length > 0) {
    const below = descendantsOf(...met.map((stat) => stat.pid));
    const each = new Map([...met, ...below].map((stat) => [stat.pid, stat]));
    met = [...each.values()].filter((stat) => {
      const now = processStat(stat.pid);
      return runs(now) && now?.startTime === stat.startTime;
    });
    for (const stat of met) {
      try {
        process.kill(stat.pid, 'SIGKILL');
      } catch {
        // It has ended since the snapshot.
      }
    }
  }
}
