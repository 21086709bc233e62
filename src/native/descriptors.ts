import { bind } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import { checked } from './system-error.ts';

const fcntlCall = bind<[number, number, number], number>('int fcntl(int, int, int)');
const getrlimitCall = bind<[number, Buffer], number>('int getrlimit(int, void *)');
const setrlimitCall = bind<[number, Buffer], number>('int setrlimit(int, void *)');
const pollCall = bind<[Buffer, number, number], number>('int poll(void *, unsigned long, int)');
const sendCall = bind<[number, Buffer, number, number], number>('long send(int, void *, size_t, int)');

const closeCall = bind<[number], number>('int close(int)');
const pipe2Call = bind<[Int32Array, number], number>('int pipe2(void *, int)');

/** A pipe of two close-on-exec descriptors, pipe(2). @throws SystemError EMFILE, ENFILE */
export function openPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  checked('pipe2', pipe2Call(ends, constants.O_CLOEXEC));
  return { readEnd: ends[0] as number, writeEnd: ends[1] as number };
}

/**
 * Closes a descriptor that a call of this folder has opened, close(2). node's own closeSync would print a warning in a worker
 * thread: node knows there which descriptors it has opened.
 */
export function closeDescriptor(descriptor: number): void {
  closeCall(descriptor);
}

/** Sets or clears close-on-exec, F_SETFD of fcntl(2). @throws SystemError EBADF */
export function setCloseOnExec(descriptor: number, closeOnExec: boolean): void {
  checked('fcntl', fcntlCall(descriptor, constants.F_SETFD, closeOnExec ? constants.FD_CLOEXEC : 0));
}

/**
 * Sets the size of a pipe in bytes, F_SETPIPE_SZ of fcntl(2). Without the right to it, or with too many pages in use
 * (pipe-user-pages-soft), it keeps the size that the kernel gave it: 64 KiB or less.
 */
export function setPipeSize(pipe: number, bytes: number): void {
  fcntlCall(pipe, constants.F_SETPIPE_SZ, bytes);
}

/** Whether it is an end of a pipe: F_GETPIPE_SZ of fcntl(2) fails for all else. */
export function isPipe(descriptor: number): boolean {
  return fcntlCall(descriptor, constants.F_GETPIPE_SZ, 0) !== -1;
}

/**
 * Sets the soft limit of open descriptors, RLIMIT_NOFILE of setrlimit(2).
 * @returns the previous one; undefined if it stays, above the hard limit or by a seccomp profile
 */
export function setDescriptorLimit(soft: bigint): bigint | undefined {
  const limit = Buffer.alloc(layouts.sizeofRlimit);
  if (getrlimitCall(constants.RLIMIT_NOFILE, limit) === -1) return undefined;
  const before = limit.readBigUInt64LE();
  limit.writeBigUInt64LE(soft);
  return setrlimitCall(constants.RLIMIT_NOFILE, limit) === -1 ? undefined : before;
}

/** Whether a write can start without blocking, POLLOUT of poll(2). */
export function isWritable(descriptor: number): boolean {
  const pollfd = Buffer.alloc(layouts.sizeofPollfd);
  pollfd.writeInt32LE(descriptor);
  pollfd.writeInt16LE(constants.POLLOUT, 4);
  return pollCall(pollfd, 1, 0) === 1 && (pollfd.readInt16LE(6) & constants.POLLOUT) !== 0;
}

/**
 * Sends to a socket without blocking and without SIGPIPE, send(2).
 * @returns the number of bytes taken
 * @throws SystemError EAGAIN if the socket is full, EPIPE if it has no reader
 */
export function sendWithoutBlocking(socket: number, bytes: Buffer): number {
  return checked(
    'send',
    sendCall(socket, bytes, bytes.length, constants.MSG_DONTWAIT | constants.MSG_NOSIGNAL),
  );
}
