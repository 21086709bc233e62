import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import pty from '@lydell/node-pty';
import { childrenOf, descendantsOf, hasEnded, procFile, runningWith, until } from '../helpers/proc.ts';
import { initCommand, type Mode } from '../helpers/run-init.ts';
import { CTRL_C } from '../helpers/terminal.ts';
import { readAppLog } from './app-log.ts';
import { readSignals, straceInto, type Watched, watched } from './signal-log.ts';
import { makeApp, type Starter, starterEnvironment } from './starters.ts';

export interface Cell {
  readonly starter: Starter;
  readonly mode: Mode;
  readonly stop: 'SIGTERM' | 'Ctrl-C';
  /** How the app listens to a signal. */
  readonly listens: 'once' | 'on';
  readonly drainMs: number;
}

export interface Outcome {
  readonly hasDrained: boolean;
  /** The stop signals that the app has logged. */
  readonly seen: readonly string[];
  /** Who has sent those that the app got: 'init', 'the terminal', or the starter's process. */
  readonly senders: readonly string[];
  /** How often init has sent one to the app. */
  readonly sentByInit: number;
  readonly isKilledByInit: boolean;
  /** Of init. */
  readonly status: number;
  /** The one that the starter's end means for a shell: 128 + N for signal N. */
  readonly startersStatus: number;
  readonly tookMs: number;
  /** Processes that have outlived init. */
  readonly left: number;
  /** What init and the starter have written. */
  readonly output: string;
}

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'];
const POLL_MS = 20;

/** Starts an app below a starter below init, stops it once it is ready, and tells what has happened. */
export async function measure({ starter, mode, stop, listens, drainMs }: Cell): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-starters-'));
  const [app, traces, log] = [join(folder, 'app'), join(folder, 'trace'), join(folder, 'log')];
  mkdirSync(app);
  makeApp(app, starter);
  const mark = randomUUID();
  const env = {
    ...starterEnvironment(folder),
    ...{ MARK: mark, APP_LOG: log, APP_LISTENS: listens, APP_DRAIN_MS: String(drainMs) },
  };
  const line = initCommand({
    mode,
    options: starter.options ?? [],
    command: starter.command,
    under: straceInto(traces),
  });
  const running = stop === 'SIGTERM' ? startWithPipes(line, app, env) : startOnTerminal(line, app, env);
  try {
    const appsPid = await until(
      () => {
        if (running.hasEnded()) throw new Error(`init has ended: ${running.output()}`);
        return readAppLog(read(log)).pid;
      },
      `${starter.name} has started the app`,
      undefined,
      POLL_MS,
    );
    const first = childrenOf(running.pid)[0]?.pid as number;
    const init = watched(mode === 'pid1' ? (childrenOf(first)[0]?.pid as number) : first);
    const below = descendantsOf(init.pid).map(({ pid }) => watched(pid));
    const names = new Map(below.map(({ pid, ownPid }) => [ownPid, commandLine(pid)]));
    const theApp = below.find(({ ownPid }) => ownPid === appsPid) as Watched;
    // The oldest child, which leads its group: orphans may be children of init as well.
    const workload = watched(
      childrenOf(init.pid)
        .sort((one, other) => one.startTime - other.startTime)
        .find(({ pid, group }) => pid === group)?.pid as number,
    );

    const start = performance.now();
    if (stop === 'SIGTERM') process.kill(init.pid, 'SIGTERM');
    else running.type(CTRL_C);
    await until(() => hasEnded(init.pid), `init has ended, below ${starter.name}`, undefined, POLL_MS);
    const tookMs = performance.now() - start;
    const isAround = ({ name }: { name: string }) => ['strace', 'unshare'].includes(name);
    const left = runningWith(mark).filter((stat) => !isAround(stat)).length;
    if (left > 0) await endAll(mark);
    const status = await running.exit;
    const signals = readSignals(traces);
    const senderName = (pid: number) => {
      if (pid === init.ownPid) return 'init';
      return pid === 0 ? 'the terminal' : (names.get(pid) ?? 'a process that started later');
    };
    const { hasDrained, seen } = readAppLog(read(log));
    return {
      hasDrained,
      seen,
      senders: signals.senders(theApp, stopSignals).map(senderName),
      sentByInit: signals.sends(init, theApp, stopSignals),
      isKilledByInit: signals.sends(init, theApp, ['SIGKILL']) > 0,
      status,
      startersStatus: statusOf(signals.end(workload)),
      tookMs,
      left,
      output: running.output(),
    };
  } finally {
    await endAll(mark);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** strace(1), with init below it. */
interface Running {
  readonly pid: number;
  readonly exit: Promise<number>;
  hasEnded(): boolean;
  output(): string;
  type(keys: string): void;
}

type Start = (line: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => Running;

const startWithPipes: Start = ([file, ...args], cwd, env) => {
  const child = spawn(file as string, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return {
    pid: child.pid as number,
    exit: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]));
    }),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
    type() {},
  };
};

const startOnTerminal: Start = ([file, ...args], cwd, env) => {
  const terminal = pty.spawn(file as string, args, { cwd, env, cols: 120 });
  let output = '';
  let hasEnded = false;
  terminal.onData((text) => {
    output += text;
  });
  return {
    pid: terminal.pid,
    exit: new Promise((resolve) => {
      terminal.onExit(({ exitCode, signal }) => {
        hasEnded = true;
        resolve(signal ? 128 + signal : exitCode);
      });
    }),
    hasEnded: () => hasEnded,
    output: () => output,
    type: (keys) => terminal.write(keys),
  };
};

/** Its words, without the folders of the first two. */
function commandLine(pid: number): string {
  const words = procFile(pid, 'cmdline').split('\0').filter(Boolean);
  return words.map((word) => word.replace(/^\/.*\//, '')).join(' ');
}

/** @param end as strace writes it */
function statusOf(end: string): number {
  const [, code, signal] = /^exited with (\d+)|killed by (\w+)/.exec(end) ?? [];
  return code === undefined ? 128 + constants.signals[signal as NodeJS.Signals] : Number(code);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Kills all that carry the mark, in rounds, because one that is not yet killed may fork. */
async function endAll(mark: string): Promise<void> {
  await until(() => {
    const running = runningWith(mark);
    for (const { pid } of running) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended since the snapshot.
      }
    }
    return running.length === 0;
  }, 'all processes of a cell have ended');
}
