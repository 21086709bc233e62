import type {
  ChildProcess,
  ChildProcessByStdio,
  ChildProcessWithoutNullStreams,
  SpawnOptions,
  SpawnOptionsWithoutStdio,
  SpawnOptionsWithStdioTuple,
  StdioNull,
  StdioPipe,
} from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { anArray, anObject, checkArgument, milliseconds, rule } from '../arguments/check-arguments.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { findLauncher } from './find-launcher.ts';
import { whyNotRunnable } from './why-not-runnable.ts';
import { endWithThisProcess } from './without-linux.ts';

export interface BoundOptions {
  /** What each process of the tree gets between SIGTERM and SIGKILL, in milliseconds. 0 kills at once. Default 2000. */
  readonly graceMs?: number;
}

/** `await using` ends the tree, and waits for its end. */
export type BoundProcess<Child extends ChildProcess = ChildProcess> = Child & AsyncDisposable;

type Stdio = StdioNull | StdioPipe;
/**
 * A stream of the child, for what `stdio` says of it. The first case is for `any`: TypeScript puts that in the place of a
 * type parameter when it compares overloads, and `spawnBound` is to be assignable to a `typeof spawn`.
 */
type Piped<Kind extends Stdio, Stream> = 0 extends 1 & Kind
  ? Kind & Stream
  : Kind extends StdioPipe
    ? Stream
    : null;
type BoundByStdio<Stdin extends Stdio, Stdout extends Stdio, Stderr extends Stdio> = BoundProcess<
  ChildProcessByStdio<Piped<Stdin, Writable>, Piped<Stdout, Readable>, Piped<Stderr, Readable>>
>;

const SIGKILL = signalNumber('SIGKILL');
const SIGTERM = signalNumber('SIGTERM');
/** What makes an init that has an owner kill its tree. SIGKILL would end init alone. */
const KILL_TREE = 'SIGSTKFLT';

/** Files that cannot be executed, each with its own error. */
const failing = { ENOENT: '/proc/self/no-such-file', EACCES: '/' } as const;

/**
 * Starts a command, as `spawn` of node:child_process does, and ends it with all its descendants, also those that called
 * setsid(2) or forked twice:
 *
 * - when this process ends, in whatever way: an exit, a crash, SIGKILL, the kernel's OOM killer;
 * - when `kill()`, an AbortSignal or the `timeout` asks with SIGTERM or SIGKILL;
 * - when the command itself ends.
 *
 * Each process gets SIGTERM, and after `graceMs` SIGKILL. Nothing happens when this process is stopped, executes another
 * program, or ends the worker thread that called this.
 *
 * The child process is a `subreaper` that runs the command, with the same streams and the same IPC channel. It forwards
 * signals to the whole tree, and ends as the command does, with its exit code or by its signal. A SIGKILL from elsewhere,
 * which no process can catch, ends `subreaper` alone.
 *
 * Without Linux, the tree ends only if this process lives long enough to end it: not after SIGKILL.
 * @throws TypeError for a `graceMs` that is no number of milliseconds, and for what `spawn` refuses
 */
export function spawnBound(
  command: string,
  options?: SpawnOptionsWithoutStdio & BoundOptions,
): BoundProcess<ChildProcessWithoutNullStreams>;
export function spawnBound<Stdin extends Stdio, Stdout extends Stdio, Stderr extends Stdio>(
  command: string,
  options: SpawnOptionsWithStdioTuple<Stdin, Stdout, Stderr> & BoundOptions,
): BoundByStdio<Stdin, Stdout, Stderr>;
export function spawnBound(command: string, options: SpawnOptions & BoundOptions): BoundProcess;
export function spawnBound(
  command: string,
  args?: readonly string[],
  options?: SpawnOptionsWithoutStdio & BoundOptions,
): BoundProcess<ChildProcessWithoutNullStreams>;
export function spawnBound<Stdin extends Stdio, Stdout extends Stdio, Stderr extends Stdio>(
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithStdioTuple<Stdin, Stdout, Stderr> & BoundOptions,
): BoundByStdio<Stdin, Stdout, Stderr>;
export function spawnBound(
  command: string,
  args: readonly string[],
  options: SpawnOptions & BoundOptions,
): BoundProcess;
export function spawnBound(command: string, ...rest: unknown[]): BoundProcess {
  const [first, second] = rest;
  const hasArgs =
    rest.length > 1 || Array.isArray(first) || !(typeof first === 'object' || first === undefined);
  const args = (hasArgs ? (first ?? []) : []) as readonly string[];
  const given = hasArgs ? second : (first ?? undefined);
  const { graceMs = 2000, ...options } = checked(command, args, given === undefined ? {} : given);
  const isLinux = process.platform === 'linux';
  const child = isLinux
    ? spawnBelowInit(command, args, options, graceMs)
    : endWithThisProcess(childProcess().spawn(command, args, options), graceMs);
  return Object.assign(child, { [Symbol.asyncDispose]: () => end(child) });
}

const aCommand = /* @__PURE__ */ rule(
  (value) => typeof value === 'string' && value !== '',
  'a string that is not empty',
);

function checked(command: unknown, args: unknown, options: unknown): SpawnOptions & BoundOptions {
  checkArgument('spawnBound', 'command', command, aCommand);
  checkArgument('spawnBound', 'args', args, anArray);
  checkArgument('spawnBound', 'options', options, anObject);
  const { graceMs } = options as BoundOptions;
  if (graceMs !== undefined) checkArgument('spawnBound', 'graceMs', graceMs, milliseconds);
  return options as SpawnOptions & BoundOptions;
}

/** Only who calls spawnBound pays for it, and for its 2 ms. */
function childProcess(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}

/** The same call of `spawn`, for an init that runs the command. */
function spawnBelowInit(
  command: string,
  args: readonly string[],
  { shell, argv0, ...options }: SpawnOptions,
  graceMs: number,
): ChildProcess {
  const launcher = findLauncher();
  // If there is no shell, node can run the launcher too.
  const [file, ...first] = existsSync('/bin/sh') ? [launcher] : [process.execPath, launcher];
  const bonds = ['--until-owner', '--scope', 'tree', '--grace', `${Math.ceil(graceMs)}ms`];
  // As `spawn` does it. The shell must run the command, and not init.
  const [program, ...rest] = shell
    ? [typeof shell === 'string' ? shell : '/bin/sh', '-c', [command, ...args].join(' ')]
    : [command, ...args];
  // Like `spawn`, this keeps what an environment has from its prototype.
  const env: NodeJS.ProcessEnv = Object.assign(Object.create(options.env ?? process.env), {
    // Without this, init could not tell an owner that ended before it looked.
    SUBREAPER_PARENT: String(process.pid),
    // The command's PATH may have no node, or another one.
    SUBREAPER_NODE: process.execPath,
    SUBREAPER_ARGV0: argv0,
    // These are for an image's own init.
    SUBREAPER_OPTIONS: undefined,
  });
  const why = whyNotRunnable(program, { ...options, env });
  const child = childProcess().spawn(
    why === undefined ? file : failing[why],
    [...first, ...bonds, '--log-level', 'error', '--', program, ...rest],
    { ...options, env },
  );
  // If init itself cannot be started, the error keeps its name.
  if (why !== undefined || child.pid !== undefined) {
    Object.assign(child, { spawnfile: program, spawnargs: [argv0 ?? program, ...rest] });
  }
  endTreeOnKill(child, graceMs);
  return child;
}

/** `spawn` calls this method too, for an AbortSignal and for the timeout. */
function endTreeOnKill(child: ChildProcess, graceMs: number): void {
  const send = child.kill.bind(child);
  let timer: NodeJS.Timeout | undefined;
  child.once('exit', () => clearTimeout(timer));
  child.kill = (signal = 'SIGTERM') => {
    const number = typeof signal === 'string' ? signalNumber(signal) : signal;
    if (number === SIGKILL) return send(KILL_TREE);
    const isSent = send(signal);
    if (isSent && number === SIGTERM) timer ??= setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
    return isSent;
  };
  // While init starts, the signal has its default action.
  let signalCode: NodeJS.Signals | null = null;
  Object.defineProperty(child, 'signalCode', {
    enumerable: true,
    get: () => signalCode,
    set(signal: NodeJS.Signals) {
      signalCode = signal === KILL_TREE ? 'SIGKILL' : signal;
    },
  });
}

async function end(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (!isRunning) return;
  // `once` of node:events would also end with an 'error', of an AbortSignal say.
  const exit = new Promise((done) => child.once('exit', done));
  child.kill();
  await exit;
}
