import { readFileSync } from 'node:fs';
import type { ByteString, Pid, SignalSet } from '../native/types.ts';

/** What the process that started init handed down, as it was before node's own start-up changed it. */
export interface Inherited {
  /** "NAME=value" entries for the workload: init's own variables are not among them. */
  readonly environment: readonly ByteString[];
  /** The value of SUBREAPER_OPTIONS, or the empty string. */
  readonly optionsVariable: string;
  /** init's arguments, the program and the script left out. */
  readonly args: readonly ByteString[];
  readonly ignoredSignals: SignalSet;
  readonly blockedSignals: SignalSet;
  /** Descriptors that were open; undefined where no launcher looked: then 0 to 2 count as open. */
  readonly descriptors: readonly number[] | undefined;
  /** The soft RLIMIT_NOFILE; undefined where no launcher looked. */
  readonly descriptorLimit: bigint | undefined;
  /** The process that started init, whatever has become of it since. */
  readonly parentPid: Pid;
}

const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Reads the raw bytes of this process's environment and arguments, and what the launcher saved. */
export function readInherited(): Inherited {
  return parseInherited({
    environ: readStrings('/proc/self/environ') ?? fromNode(process.env),
    cmdline: readStrings('/proc/self/cmdline') ?? process.argv.map(toBytes),
    argumentCount: process.argv.length - 2,
    pid: process.pid,
    parentPid: process.ppid as Pid,
  });
}

/**
 * @param argumentCount how many of the last cmdline entries are init's arguments: before them stand node's own
 * @param parentPid getppid(2), for want of the launcher's
 */
export function parseInherited({
  environ,
  cmdline,
  argumentCount,
  pid,
  parentPid,
}: {
  environ: readonly ByteString[];
  cmdline: readonly ByteString[];
  argumentCount: number;
  pid: number;
  parentPid: Pid;
}): Inherited {
  // A parent that says who it is may end before anything here can see it.
  const namedParent = Number(variable(environ, 'SUBREAPER_PARENT') ?? 0) as Pid;
  const args = argumentCount > 0 ? cmdline.slice(-argumentCount) : [];
  const optionsVariable = fromBytes(variable(environ, 'SUBREAPER_OPTIONS') ?? ('' as ByteString));
  const launcher = (variable(environ, 'SUBREAPER_LAUNCHER') ?? '').split(' ');
  // execve keeps the pid: other values belong to some other process, and were passed on by mistake.
  if (Number(launcher[0]) !== pid) {
    return {
      environment: withoutOwnVariables(environ),
      optionsVariable,
      args,
      ignoredSignals: 0n as SignalSet,
      blockedSignals: 0n as SignalSet,
      descriptors: undefined,
      descriptorLimit: undefined,
      parentPid: namedParent || parentPid,
    };
  }

  const [, launcherParent, blocked, ignored, ...descriptors] = launcher;
  const saved = variable(environ, 'SUBREAPER_ENVIRON');
  const [limit = '', ...base64] = (saved ?? variable(environ, 'SUBREAPER_LIMIT') ?? '').split('\n');
  const environment =
    saved === undefined
      ? withSaved(environ)
      : strings(Buffer.from(base64.join(''), 'base64').toString('latin1'));
  return {
    environment: withoutOwnVariables(environment),
    optionsVariable,
    args,
    ignoredSignals: BigInt(`0x${ignored || 0}`) as SignalSet,
    blockedSignals: BigInt(`0x${blocked || 0}`) as SignalSet,
    descriptors: descriptors.length === 0 ? undefined : descriptors.map(Number),
    descriptorLimit: limit === 'unlimited' ? RLIM_INFINITY : /^\d+$/.test(limit) ? BigInt(limit) : undefined,
    parentPid: namedParent || (Number(launcherParent) as Pid),
  };
}

/** The value of the first entry of that name, as getenv(3) has it. */
export function variable(environ: readonly ByteString[], name: string): ByteString | undefined {
  const prefix = `${name}=`;
  return environ.find((entry) => entry.startsWith(prefix))?.slice(prefix.length) as ByteString | undefined;
}

/** Bytes as text, for a message or an option's value. */
export function fromBytes(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function toBytes(text: string): ByteString {
  return Buffer.from(text).toString('latin1') as ByteString;
}

function fromNode(env: NodeJS.ProcessEnv): ByteString[] {
  return Object.entries(env).map(([name, value]) => toBytes(`${name}=${value}`));
}

/** Undefined where /proc is not mounted. */
function readStrings(file: string): ByteString[] | undefined {
  try {
    return strings(readFileSync(file, 'latin1'));
  } catch {
    return undefined;
  }
}

function strings(nulTerminated: string): ByteString[] {
  return nulTerminated.split('\0').slice(0, -1) as ByteString[];
}

function withoutOwnVariables(environ: readonly ByteString[]): ByteString[] {
  return environ.filter(
    (entry) => !/^SUBREAPER_(?:LAUNCHER|ENVIRON|LIMIT|SAVED_\w+|OPTIONS|PARENT)=/.test(entry),
  );
}

/** Where the launcher could not save the whole environment it still moved what node acts on out of its way. */
function withSaved(environ: readonly ByteString[]): ByteString[] {
  return environ.map((entry) => entry.replace(/^SUBREAPER_SAVED_/, '') as ByteString);
}
