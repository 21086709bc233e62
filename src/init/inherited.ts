import { closeSync, readFileSync, readSync } from 'node:fs';
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
  /** The launcher's child, which has written the environment to a pipe: init's to wait for. */
  readonly launcherChild: Pid | undefined;
}

export const STANDARD_STREAMS = [0, 1, 2];
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Reads the raw bytes of this process's environment and arguments, and what the launcher saved. */
export function readInherited(): Inherited {
  return parseInherited({
    variables: process.env,
    readEnviron: () => readStrings('/proc/self/environ') ?? fromNode(process.env),
    readSaved,
    args: readArguments(),
    pid: process.pid,
    parentPid: process.ppid as Pid,
  });
}

/**
 * @param variables init's own environment, as text
 * @param readEnviron the same as bytes, for where the launcher could not save the one before
 * @param readSaved reads what a child of the launcher writes to a descriptor: an empty line, the soft limit of
 *   descriptors, the environment as the kernel held it, and an empty line if that is whole
 * @param parentPid getppid(2), for want of the launcher's
 */
export function parseInherited({
  variables,
  readEnviron,
  readSaved,
  args,
  pid,
  parentPid,
}: {
  variables: Readonly<Record<string, string | undefined>>;
  readEnviron: () => readonly ByteString[];
  readSaved: (descriptor: number) => string;
  args: readonly ByteString[];
  pid: number;
  parentPid: Pid;
}): Inherited {
  // A parent that says who it is may end before anything here can see it.
  const namedParent = Number(variables['SUBREAPER_PARENT'] ?? 0) as Pid;
  const optionsVariable = variables['SUBREAPER_OPTIONS'] ?? '';
  const launcher = (variables['SUBREAPER_LAUNCHER'] ?? '').split(' ');
  // execve keeps the pid: other values belong to some other process, and were passed on by mistake.
  if (Number(launcher[0]) !== pid) {
    return {
      environment: withoutOwnVariables(readEnviron()),
      optionsVariable,
      args,
      ignoredSignals: 0n as SignalSet,
      blockedSignals: 0n as SignalSet,
      descriptors: undefined,
      descriptorLimit: undefined,
      parentPid: namedParent || parentPid,
      launcherChild: undefined,
    };
  }

  const [, launcherParent, blocked, ignored, pipe, child, ...descriptors] = launcher;
  const saved = pipe ? readSaved(Number(pipe)) : fromBase64(variables['SUBREAPER_ENVIRON']);
  const limit = saved?.slice(1).split('\n', 1)[0] ?? variables['SUBREAPER_LIMIT'] ?? '';
  const environment =
    saved?.endsWith('\0\n') || saved === `\n${limit}\n\n`
      ? strings(saved.slice(limit.length + 2, -1))
      : withSaved(readEnviron());
  return {
    environment: withoutOwnVariables(environment),
    optionsVariable,
    args,
    ignoredSignals: BigInt(`0x${ignored || 0}`) as SignalSet,
    blockedSignals: BigInt(`0x${blocked || 0}`) as SignalSet,
    descriptors: descriptors.length === 0 ? undefined : descriptors.map(Number),
    descriptorLimit: limit === 'unlimited' ? RLIM_INFINITY : /^\d+$/.test(limit) ? BigInt(limit) : undefined,
    parentPid: namedParent || (Number(launcherParent) as Pid),
    launcherChild: child ? (Number(child) as Pid) : undefined,
  };
}

/** Without the standard streams. */
export function inheritedFromThree({ descriptors = [] }: Inherited): number[] {
  return descriptors.filter((descriptor) => !STANDARD_STREAMS.includes(descriptor));
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

/** To the end, and closes it. */
function readSaved(descriptor: number): string {
  const chunk = Buffer.alloc(4096);
  let saved = '';
  for (;;) {
    try {
      const size = readSync(descriptor, chunk);
      if (size === 0) break;
      saved += chunk.toString('latin1', 0, size);
    } catch (error) {
      // node has handlers for SIGINT and SIGTERM by now, which interrupt a read, and no longer end PID 1.
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
    }
  }
  closeSync(descriptor);
  return saved;
}

/** What the launcher saved without a pipe: the same, but that the environment is in base64. */
function fromBase64(saved: string | undefined): string | undefined {
  if (saved === undefined) return undefined;
  const [limit = '', ...lines] = saved.split('\n');
  return `\n${limit}\n${Buffer.from(lines.join(''), 'base64').toString('latin1')}\n`;
}

/** What is not UTF-8 is U+FFFD in process.argv. */
function readArguments(): readonly ByteString[] {
  const args = process.argv.slice(2);
  const cmdline = args.some((argument) => argument.includes('\ufffd'))
    ? readStrings('/proc/self/cmdline')
    : undefined;
  return cmdline?.slice(-args.length) ?? args.map(toBytes);
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

/** The launcher has moved what node acts on out of its way. */
function withSaved(environ: readonly ByteString[]): ByteString[] {
  return environ.map((entry) => entry.replace(/^SUBREAPER_SAVED_/, '') as ByteString);
}
