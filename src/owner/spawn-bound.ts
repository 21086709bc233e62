import type {
  ChildProcess,
  ChildProcessByStdio,
  ChildProcessWithoutNullStreams,
  SpawnOptions,
  SpawnOptionsWithoutStdio,
  SpawnOptionsWithStdioTuple,
  StdioNull,
  StdioOptions,
  StdioPipe,
} from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import {
  anArray,
  anObject,
  aString,
  checkArgument,
  milliseconds,
  ownOptions,
  rule,
} from '../arguments/check-arguments.ts';
import { clearTimeout, setTimeout } from '../native/timers.ts';
import { KILL_TREE, SIGKILL, SIGSTOP, SIGTERM } from '../signals/numbers.ts';
import { requestedSignal } from '../signals/signal-names.ts';
import { findInPackage, findNode } from './find-launcher.ts';
import { isMissing, whyNotRunnable } from './why-not-runnable.ts';
import { spawnInJob } from './windows.ts';

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

/**
 * Init sends SIGSTOP to its tree for this one. SIGSTOP would stop init alone, and a stopped init does not see its owner end.
 * No program sends this one to another. Before init runs it stops the launcher, unless the process group is orphaned; when
 * the group becomes orphaned, the kernel ends the launcher with SIGHUP.
 */
const STOP_TREE = 'SIGTTOU';

/** Files that cannot be executed, each with its own error. */
const failing = { ENOENT: '/proc/self/no-such-file', EACCES: '/' } as const;

/**
 * Starts a command, as `spawn` of node:child_process does, and ends it with all its descendants, also those that called
 * setsid(2) or forked twice:
 *
 * - when this process ends, however it does: an exit, a crash, SIGKILL, the kernel's OOM killer;
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
 * On Windows the child process holds a job object, and its end, whatever ends it, is the end of the whole tree, at once:
 * there is nothing like SIGTERM, so `graceMs` means nothing. On macOS and other systems it finds the tree by ps(1): a process
 * that leaves its parents, and whose environment ps(1) does not show, may keep running (docs/owners.md).
 * @throws TypeError for a `graceMs` that is not a number of milliseconds, and for what `spawn` refuses
 * @throws Error if no node is found: a packed app (a single executable, pkg, Electron) needs one in its PATH
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
  const options = checked(command, args, given === undefined ? {} : given);
  const { graceMs = 2000 } = options;
  const child =
    process.platform === 'win32'
      ? spawnInJob(command, args, options)
      : spawnBelowInit(command, args, options, graceMs);
  return Object.assign(child, { [Symbol.asyncDispose]: () => end(child) });
}

const aCommand = rule((value) => typeof value === 'string' && value !== '', 'a string that is not empty');

const aShell = rule(
  (value) => typeof value === 'boolean' || typeof value === 'string',
  'a string, or true or false',
);

function checked(command: unknown, args: unknown, options: unknown): SpawnOptions & BoundOptions {
  checkArgument('spawnBound', 'command', command, aCommand);
  checkArgument('spawnBound', 'args', args, anArray);
  checkArgument('spawnBound', 'options', options, anObject);
  const own: SpawnOptions & BoundOptions = ownOptions(options as object);
  const { graceMs, shell, argv0 } = own;
  if (graceMs !== undefined) checkArgument('spawnBound', 'graceMs', graceMs, milliseconds);
  // `spawn` refuses what it gets itself. It gets neither of these.
  checkArgument('spawnBound', 'shell', shell ?? false, aShell);
  checkArgument('spawnBound', 'argv0', argv0 ?? '', aString);
  return own;
}

/** Only who calls spawnBound pays for it, and for its 2 ms. */
function childProcess(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}

/** The same call of `spawn`, for an init that runs the command. */
function spawnBelowInit(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  graceMs: number,
): ChildProcess {
  const { shell, argv0 } = options;
  const grace = `${Math.ceil(graceMs)}ms`;
  const bonds = ['--until-owner', '--scope', 'tree', '--grace', grace, '--rewrite', 'TTOU:STOP'];
  // As `spawn` does it. The shell must run the command, and not init.
  const [program, ...rest] = shell
    ? [typeof shell === 'string' ? shell : '/bin/sh', '-c', [command, ...args].join(' ')]
    : [command, ...args];
  const env: NodeJS.ProcessEnv = Object.create(null);
  const given = options.env ?? process.env;
  // Like `spawn`, this takes what an environment has from its prototype too. The copy has NODE_V8_COVERAGE if the original has
  // it: else `spawn` would add this process's.
  for (const name in given) env[name] = given[name];
  const launcher = findInPackage('bin/subreaper');
  const node = findNode(env);
  // If there is no shell, node can run the launcher too.
  const [file, ...first] = isMissing('/bin/sh') ? [node, launcher] : [launcher];
  Object.assign(env, {
    // Without this, init could not tell an owner that ended before it looked.
    SUBREAPER_PARENT: String(process.pid),
    // The command's PATH may have no node, or another one.
    SUBREAPER_NODE: node,
    // From JavaScript it may be null.
    SUBREAPER_ARGV0: argv0 ?? undefined,
    SUBREAPER_STREAMS: openStreams(options.stdio),
    // These are for an image's own init.
    SUBREAPER_OPTIONS: undefined,
  });
  const initOptions: SpawnOptions = ownOptions({ ...options, env, shell: undefined, argv0: undefined });
  const why = whyNotRunnable(program, initOptions);
  const child = childProcess().spawn(
    why === undefined ? file : failing[why],
    [...first, ...bonds, '--log-level', 'error', '--', program, ...rest],
    initOptions,
  );
  // If init itself cannot be started, the error keeps its name.
  if (why !== undefined || child.pid !== undefined) {
    Object.assign(child, { spawnfile: program, spawnargs: [argv0 ?? program, ...rest] });
  }
  endTreeOnKill(child, graceMs);
  return child;
}

/** The descriptors that the command gets, for an init that cannot list its own for want of /proc: "0 1 2 4". */
function openStreams(stdio: StdioOptions | undefined): string {
  const given = Array.isArray(stdio) ? stdio : [];
  // `spawn` opens the first three in any case.
  const isOpen = (descriptor: number) =>
    descriptor < 3 || ![undefined, null, 'ignore'].includes(given[descriptor] as null);
  return Array.from({ length: Math.max(3, given.length) }, (_, descriptor) => descriptor)
    .filter(isOpen)
    .join(' ');
}

/** `spawn` calls this method too, for an AbortSignal and for the timeout. */
function endTreeOnKill(child: ChildProcess, graceMs: number): void {
  const send = child.kill.bind(child);
  let timer: NodeJS.Timeout | undefined;
  child.once('exit', () => clearTimeout(timer));
  child.kill = (signal = 'SIGTERM') => {
    const number = requestedSignal(signal);
    if (number === SIGSTOP) return send(STOP_TREE);
    if (number === SIGKILL) {
      const isSent = send(KILL_TREE);
      // Init may be stopped: by somebody else, or before it ran.
      send('SIGCONT');
      return isSent;
    }
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
