import type {
  ChildProcess,
  ChildProcessWithoutNullStreams,
  SpawnOptions,
  SpawnOptionsWithoutStdio,
} from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { anArray, anObject, aString, checkArgument, milliseconds } from '../arguments/check-arguments.ts';
import { signalNumber } from '../signals/signal-names.ts';
import { findLauncher } from './find-launcher.ts';
import { endWithThisProcess } from './without-linux.ts';

export interface BoundOptions {
  /** What each process of the tree gets between SIGTERM and SIGKILL, in milliseconds. 0 kills at once. Default 2000. */
  readonly graceMs?: number;
}

/** `await using` ends the tree, and waits for its end. */
export type BoundProcess<Child extends ChildProcess = ChildProcess> = Child & AsyncDisposable;

type Options = Omit<SpawnOptions, 'argv0'> & BoundOptions;
type OptionsWithoutStdio = Omit<SpawnOptionsWithoutStdio, 'argv0'> & BoundOptions;

const SIGKILL = signalNumber('SIGKILL');
const SIGTERM = signalNumber('SIGTERM');

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
 * signals to the whole tree. Its exit code is the command's, 128 + N if signal N ended the command, 127 if there is no such
 * command, 126 if it cannot be run. A SIGKILL from elsewhere, which no process can catch, ends `subreaper` alone.
 *
 * Without Linux, the tree ends only if this process lives long enough to end it: not after SIGKILL.
 * @throws TypeError for `argv0`, and for an argument that is not allowed
 */
export function spawnBound(
  command: string,
  options?: OptionsWithoutStdio,
): BoundProcess<ChildProcessWithoutNullStreams>;
export function spawnBound(
  command: string,
  args?: readonly string[],
  options?: OptionsWithoutStdio,
): BoundProcess<ChildProcessWithoutNullStreams>;
export function spawnBound(command: string, options: Options): BoundProcess;
export function spawnBound(command: string, args: readonly string[], options: Options): BoundProcess;
export function spawnBound(command: string, ...rest: unknown[]): BoundProcess {
  const [first, second] = rest;
  const hasArgs =
    rest.length > 1 || Array.isArray(first) || !(typeof first === 'object' || first === undefined);
  const args = (hasArgs ? (first ?? []) : []) as readonly string[];
  const given = hasArgs ? second : (first ?? undefined);
  const { graceMs = 2000, ...options } = checked(command, args, given === undefined ? {} : given);
  // Only who calls this pays for it, and for its 2 ms.
  const { spawn } = process.getBuiltinModule('node:child_process');
  const isLinux = process.platform === 'linux';
  const child = isLinux
    ? spawn(...belowInit(command, args, options, graceMs))
    : endWithThisProcess(spawn(command, args, options), graceMs);
  if (isLinux) endTreeOnKill(child, graceMs);
  return Object.assign(child, { [Symbol.asyncDispose]: () => end(child) });
}

const noArgv0 = () => 'is the name of init, not of the command; leave it out';

function checked(command: unknown, args: unknown, options: unknown): Options {
  checkArgument('spawnBound', 'command', command, aString);
  checkArgument('spawnBound', 'args', args, anArray);
  checkArgument('spawnBound', 'options', options, anObject);
  const { graceMs, argv0 } = options as Options & { argv0?: unknown };
  if (graceMs !== undefined) checkArgument('spawnBound', 'graceMs', graceMs, milliseconds);
  if (argv0 !== undefined) checkArgument('spawnBound', 'argv0', argv0, noArgv0);
  return options as Options;
}

/** The same call of `spawn`, for an init that runs the command. */
function belowInit(
  command: string,
  args: readonly string[],
  { shell, ...options }: SpawnOptions,
  graceMs: number,
): [string, string[], SpawnOptions] {
  const launcher = findLauncher();
  // If there is no shell, node can run the launcher too.
  const [file, ...first] = existsSync('/bin/sh') ? [launcher] : [process.execPath, launcher];
  const bonds = [
    '--until-owner',
    '--scope',
    'tree',
    '--grace',
    `${Math.ceil(graceMs)}ms`,
    '--log-level',
    'error',
  ];
  // As `spawn` does it. The shell must run the command, and not init.
  const line = shell
    ? [typeof shell === 'string' ? shell : '/bin/sh', '-c', [command, ...args].join(' ')]
    : [command, ...args];
  const env = {
    ...(options.env ?? process.env),
    // Without this, init could not tell an owner that ended before it looked.
    SUBREAPER_PARENT: String(process.pid),
    // The command's PATH may have no node, or another one.
    SUBREAPER_NODE: process.execPath,
  };
  return [file as string, [...first, ...bonds, '--', ...line], { ...options, env }];
}

/** `spawn` calls this method too, for an AbortSignal and for the timeout. */
function endTreeOnKill(child: ChildProcess, graceMs: number): void {
  const send = child.kill.bind(child);
  let timer: NodeJS.Timeout | undefined;
  child.once('exit', () => clearTimeout(timer));
  child.kill = (signal = 'SIGTERM') => {
    const number = typeof signal === 'string' ? signalNumber(signal) : signal;
    // SIGKILL would end init alone. With --until-owner this one makes it kill the tree.
    if (number === SIGKILL) return send('SIGSTKFLT');
    const isSent = send(signal);
    if (isSent && number === SIGTERM) timer ??= setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
    return isSent;
  };
}

async function end(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (!isRunning) return;
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}
