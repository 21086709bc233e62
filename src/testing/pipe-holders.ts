import { fstatSync, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { checkArgument, rule } from '../arguments/check-arguments.ts';
import { orUndefined } from '../native/attempt.ts';
import { SystemError } from '../native/system-error.ts';
import { unixSocketPeer } from '../native/unix-socket-peer.ts';
import { commandLine, processName } from '../process-tree/printable-name.ts';
import { requireProc, scan } from '../process-tree/process-table.ts';

/** A process that holds the other end of a pipe open. */
export interface PipeHolder {
  readonly pid: number;
  /** The program's name, at most 15 bytes. */
  readonly name: string;
  /** Its arguments, on one line. */
  readonly command: string;
  /** Its descriptors of that end. */
  readonly descriptors: readonly number[];
}

/**
 * The processes that hold the other end of a pipe or UNIX socket open. node makes a UNIX socket pair of each 'pipe' of
 * child_process. While one of these processes holds `child.stdout` open, it does not end, and there is no 'close' event.
 *
 * This process is among them if it holds the other end as well. A process whose /proc/pid/fd this one may not read, of
 * another user say, is not found, nor is one of another PID namespace, or one that has the end only in a message on its way
 * through a socket. On systems other than Linux the list is empty.
 * @param stream `child.stdout`, say, or the number of a descriptor of this process
 * @throws TypeError if it is closed, or neither a pipe nor a UNIX socket
 * @throws SystemError if the kernel does not report the other end of a socket, for example because a seccomp filter forbids netlink
 * @throws Error ERR_NO_PROC if /proc is not mounted, or shows another PID namespace
 * @throws Error EMFILE, ENFILE, ENOMEM if /proc cannot be read
 */
export function pipeHolders(stream: NodeJS.ReadableStream | NodeJS.WritableStream | number): PipeHolder[] {
  if (process.platform !== 'linux') return [];
  requireProc('pipeHolders');
  const isOtherEnd = otherEndOf(descriptorOf(stream));
  return scan().flatMap((info) => {
    const descriptors = descriptorsOf(info.pid)
      .filter(isOtherEnd)
      .map(({ number }) => number);
    return descriptors.length === 0
      ? []
      : [{ pid: info.pid, name: processName(info), command: commandLine(info), descriptors }];
  });
}

const outputs = { stdout: 1, stderr: 2 } as const;
export type Output = keyof typeof outputs;

/**
 * Which of this process's own outputs another process holds open too. Only pipes and sockets count: who reads from them
 * waits until the last process has closed them. A terminal or a file keeps nobody waiting.
 */
export function outputsHeldBy(pid: number): Output[] {
  const names = Object.keys(outputs) as Output[];
  const held = descriptorsOf(pid).filter(({ isWritable }) => isWritable);
  return names.filter((name) => {
    const own = readDescriptor('self', outputs[name]);
    return own !== undefined && isPipeOrSocket(own) && held.some((descriptor) => isSameFile(descriptor, own));
  });
}

/** A descriptor as /proc/pid/fd shows it. */
interface Descriptor {
  readonly number: number;
  /** The path of the entry in /proc/pid/fd. */
  readonly entry: string;
  /** "pipe:[inode]", "socket:[inode]", or the path of a file: proc_pid_fd(5). */
  readonly link: string;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
}

function descriptorsOf(pid: number): Descriptor[] {
  // It may have ended, or be not ours to read.
  const entries = orUndefined(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return entries
    .map((number) => readDescriptor(pid, Number(number)))
    .filter((descriptor) => descriptor !== undefined);
}

/** @returns undefined if there is none */
function readDescriptor(pid: number | 'self', number: number): Descriptor | undefined {
  const entry = `/proc/${pid}/fd/${number}`;
  return orUndefined(() => {
    // The permissions of the link itself are how the file was opened.
    const { mode } = lstatSync(entry);
    const link = readlinkSync(entry);
    return { number, entry, link, isReadable: (mode & 0o400) !== 0, isWritable: (mode & 0o200) !== 0 };
  });
}

/** Follows links of the same text alone: looking at just any file may block, on a lost NFS server say. */
function isSameFile(one: Descriptor, other: Descriptor): boolean {
  if (one.link !== other.link) return false;
  const [first, second] = [followed(one), followed(other)];
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function isPipeOrSocket(descriptor: Descriptor): boolean {
  // The text of the link tells, but for a FIFO in a file system.
  const stat = followed(descriptor);
  return stat !== undefined && (stat.isFIFO() || stat.isSocket());
}

/** undefined if it has been closed meanwhile. */
function followed({ entry }: Descriptor): Stats | undefined {
  return orUndefined(() => statSync(entry));
}

const STREAM_OR_DESCRIPTOR = 'an open stream, or a descriptor number';

const aStreamOrDescriptor = rule(
  (value) =>
    typeof value === 'number'
      ? Number.isInteger(value) && value >= 0
      : typeof value === 'object' && value !== null,
  STREAM_OR_DESCRIPTOR,
);

/** @throws TypeError if there is none */
function descriptorOf(stream: unknown): number {
  checkArgument('pipeHolders', 'stream', stream, aStreamOrDescriptor);
  if (typeof stream === 'number') return stream;
  // Sockets have their descriptor in libuv's handle, files and standard streams as a property.
  const { fd, _handle } = stream as { fd?: unknown; _handle?: { fd?: unknown } | null };
  const descriptor = fd ?? _handle?.fd;
  // libuv has -1 for a closed one.
  if (typeof descriptor === 'number' && descriptor >= 0) return descriptor;
  throw new TypeError(`pipeHolders: 'stream' is closed, or has no descriptor; pass ${STREAM_OR_DESCRIPTOR}`);
}

/** @returns tells the descriptors of the other end from all others */
function otherEndOf(number: number): (descriptor: Descriptor) => boolean {
  const stat = orUndefined(() => fstatSync(number));
  if (stat?.isSocket()) {
    const peer = peerOf(number, stat.ino);
    return ({ link }) => peer !== undefined && link === `socket:[${peer}]`;
  }
  if (!stat?.isFIFO()) {
    const what = stat === undefined ? 'not open' : 'neither a pipe nor a socket';
    throw new TypeError(`pipeHolders: descriptor ${number} is ${what}; pass one end of a pipe`);
  }
  // Both ends of a pipe are the same file, pipe(7).
  const entry = `/proc/self/fd/${number}`;
  const own = readDescriptor('self', number);
  if (own === undefined) throw new Error(`pipeHolders: ${entry} cannot be read; mount /proc`);
  return (descriptor) =>
    ((own.isReadable && descriptor.isWritable) || (own.isWritable && descriptor.isReadable)) &&
    isSameFile(descriptor, own);
}

function peerOf(number: number, inode: number): number | undefined {
  try {
    return unixSocketPeer(inode);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'ENOENT') throw error;
    throw new TypeError(
      `pipeHolders: descriptor ${number} is a socket, but not a UNIX socket whose other end the kernel knows; pass one end of a pipe`,
    );
  }
}
