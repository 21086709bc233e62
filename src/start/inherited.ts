import { closeSync, fstatSync, readSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { toBytes, variable } from '../native/byte-strings.ts';
import type { ByteString, Pid, SignalSet } from '../native/types.ts';
import { readOrNothing } from '../process-tree/read-or-nothing.ts';
import { withoutPnpmsFolders } from './pnpm-shim.ts';

/** What init inherited from the process that started it, as it was before node's start-up changed it. */
export interface Inherited {
  /** "NAME=value" entries for the workload, without init's own variables. */
  readonly environment: readonly ByteString[];
  /** The value of SUBREAPER_OPTIONS, or the empty string. */
  readonly optionsVariable: string;
  /** init's arguments, without the program and the script. */
  readonly args: readonly ByteString[];
  readonly ignoredSignals: SignalSet;
  readonly blockedSignals: SignalSet;
  /** The open descriptors. undefined if no launcher listed them: then 0 to 2 count as open. */
  readonly descriptors: readonly number[] | undefined;
  /** The soft RLIMIT_NOFILE; undefined if no launcher read it. */
  readonly descriptorLimit: bigint | undefined;
  /** The process that started init. It may have ended since. */
  readonly parentPid: Pid;
  /** The workload's argv[0], if it is not the program's name. */
  readonly argv0?: ByteString | undefined;
  /** The descriptors that are the workload's, where init cannot list those that are open: on other systems than Linux. */
  readonly streams: readonly number[];
  /** The launcher's child, which wrote the environment to a pipe. init has to wait for it. */
  readonly launcherChild: Pid | undefined;
}

export const STANDARD_STREAMS = [0, 1, 2];
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** The launcher's shell part passes this option to node. The environment cannot: execArgv excludes NODE_OPTIONS. */
const LAUNCHERS_OPTION = '--v8-pool-size=1';

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads this process's environment and arguments as raw bytes, and what the launcher saved. */
export function readInherited(): Inherited {
  const inherited = parseInherited({
    variables: process.env,
    launcherVariables: launcherVariables(),
    readEnviron: () => readStrings('/proc/self/environ') ?? fromNode(process.env),
    readSaved,
    args: readArguments(),
    pid: process.pid,
    parentPid: process.ppid as Pid,
  });
  const { NODE_PATH, SUBREAPER_SAVED_NODE_PATH } = process.env;
  if (NODE_PATH === undefined && SUBREAPER_SAVED_NODE_PATH === undefined) return inherited;
  const packageFolder = dirname(dirname(realpathSync(process.argv[1] as string)));
  return { ...inherited, environment: withoutPnpmsFolders(inherited.environment, packageFolder) };
}

/** The signals that were ignored when init was started. Unlike `readInherited`, it does not block. */
export function inheritedIgnoredSignals(): SignalSet {
  return ignoredByLauncher(launcherValues(launcherVariables()));
}

function launcherVariables(): Variables {
  return process.execArgv.includes(LAUNCHERS_OPTION) ? process.env : {};
}

function launcherValues(variables: Variables): string[] {
  return (variables['SUBREAPER_LAUNCHER'] ?? '').split(' ');
}

function ignoredByLauncher([, , , ignored]: readonly string[]): SignalSet {
  return BigInt(`0x${ignored || 0}`) as SignalSet;
}

/** Where it is read from. */
interface Sources {
  /** init's own environment, as text. */
  readonly variables: Variables;
  /** The same; empty if the launcher's shell part did not run, so that nothing is trusted. */
  readonly launcherVariables: Variables;
  /** Reads it as bytes, if the launcher could not save the original environment. */
  readonly readEnviron: () => readonly ByteString[];
  /**
   * Reads what a child of the launcher writes to a pipe: the environment as the kernel held it, and `end` if it is
   * complete; undefined if the pipe is lost.
   */
  readonly readSaved: (descriptor: number, end: string) => string | undefined;
  readonly args: readonly ByteString[];
  readonly pid: number;
  /** getppid(2), used if the launcher saved none. */
  readonly parentPid: Pid;
}

export function parseInherited(sources: Sources): Inherited {
  const { variables, launcherVariables, readEnviron, readSaved, args, pid, parentPid } = sources;
  const launcher = launcherValues(launcherVariables);
  const [launcherPid, launcherParent, blocked, , limit = '', pipe, child, ...numbers] = launcher;
  const end = `${launcherPid}\n`;
  const saved = pipe ? readSaved(Number(pipe), end) : fromBase64(launcherVariables['SUBREAPER_ENVIRON'], end);
  // If `node` is a script that runs node without exec, the launcher became the script, and init is its descendant.
  const isLauncher = Number(launcherPid) === pid;
  // Such a script may close its inherited descriptors. Then the pipe is lost too, and node reuses their numbers.
  const areInherited = pipe ? saved !== undefined : isLauncher;
  const descriptors = numbers
    .map(Number)
    .filter((number) => areInherited || STANDARD_STREAMS.includes(number));
  const starter = Number(launcherParent ?? parentPid);
  const saysItIsParent = starter > 0 && Number(variables['SUBREAPER_PARENT']) === starter;
  const environment =
    saved !== undefined && isComplete(saved, end)
      ? strings(saved.slice(0, -end.length))
      : withSaved(readEnviron(), launcherVariables['SUBREAPER_SAVED']?.split(/\s+/));
  return {
    environment: withoutOwnVariables(environment),
    optionsVariable: variables['SUBREAPER_OPTIONS'] ?? '',
    args,
    ignoredSignals: ignoredByLauncher(launcher),
    blockedSignals: BigInt(`0x${blocked || 0}`) as SignalSet,
    descriptors: descriptors.length === 0 ? undefined : descriptors,
    descriptorLimit: limit === 'unlimited' ? RLIM_INFINITY : /^\d+$/.test(limit) ? BigInt(limit) : undefined,
    // SUBREAPER_PARENT comes first: such a parent may end before init or the launcher can read its pid.
    parentPid: (Number(variables['SUBREAPER_PARENT'] ?? 0) ||
      (isLauncher ? Number(launcherParent) : parentPid)) as Pid,
    // bin/subreaper takes its node on the same condition.
    argv0: saysItIsParent ? variable(environment, 'SUBREAPER_ARGV0') : undefined,
    streams: (saysItIsParent && variables['SUBREAPER_STREAMS']?.split(' ').map(Number)) || STANDARD_STREAMS,
    launcherChild: isLauncher && child ? (Number(child) as Pid) : undefined,
  };
}

/** The inherited descriptors without the standard streams. */
export function inheritedFromThree({ descriptors = [] }: Inherited): number[] {
  return descriptors.filter((descriptor) => !STANDARD_STREAMS.includes(descriptor));
}

function fromNode(env: NodeJS.ProcessEnv): ByteString[] {
  return Object.entries(env).map(([name, value]) => toBytes(`${name}=${value}`));
}

/**
 * Reads a pipe to `end`, or else to its own end, and closes it. It does not wait for the second behind the first: the
 * launcher's shell may have failed to close the pipe.
 * @returns undefined if the descriptor is closed, or not a readable pipe
 */
function readSaved(descriptor: number, end: string): string | undefined {
  const chunk = Buffer.alloc(4096);
  let saved = '';
  try {
    if (!fstatSync(descriptor).isFIFO()) return undefined;
    while (!isComplete(saved, end)) {
      const size = readUninterrupted(descriptor, chunk);
      if (size === 0) break;
      saved += chunk.toString('latin1', 0, size);
    }
    closeSync(descriptor);
  } catch {
    return undefined;
  }
  return saved;
}

/** NUL ends every entry of an environment. */
function isComplete(saved: string, end: string): boolean {
  return saved === end || saved.endsWith(`\0${end}`);
}

/** Node handles SIGINT and SIGTERM by now: they interrupt a read, and no longer end PID 1. */
function readUninterrupted(descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
    }
  }
}

/** Decodes what the launcher saved without a pipe: the same, in base64. */
function fromBase64(saved: string | undefined, end: string): string | undefined {
  return saved === undefined ? undefined : `${Buffer.from(saved, 'base64').toString('latin1')}${end}`;
}

/** process.argv has U+FFFD in place of bytes that are not UTF-8: read those from /proc. */
function readArguments(): readonly ByteString[] {
  const args = process.argv.slice(2);
  const cmdline = args.some((argument) => argument.includes('\ufffd'))
    ? readStrings('/proc/self/cmdline')
    : undefined;
  return cmdline?.slice(-args.length) ?? args.map(toBytes);
}

/** Undefined if /proc is not mounted. */
function readStrings(file: string): ByteString[] | undefined {
  const text = readOrNothing(file);
  return text === undefined ? undefined : strings(text);
}

function strings(nulTerminated: string): ByteString[] {
  return nulTerminated.split('\0').slice(0, -1) as ByteString[];
}

function withoutOwnVariables(environ: readonly ByteString[]): ByteString[] {
  return environ.filter(
    (entry) => !/^SUBREAPER_(?:LAUNCHER|ENVIRON|SAVED\w*|OPTIONS|PARENT|NODE|ARGV0|STREAMS)=/.test(entry),
  );
}

/** Restores the variables that the launcher renamed, so that node would not act on them. */
function withSaved(environ: readonly ByteString[], names: readonly string[] = []): ByteString[] {
  return environ.map((entry) => {
    const name = /^SUBREAPER_SAVED_(\w+)=/.exec(entry)?.[1];
    const isSaved = name !== undefined && names.includes(name);
    return isSaved ? (entry.slice('SUBREAPER_SAVED_'.length) as ByteString) : entry;
  });
}
