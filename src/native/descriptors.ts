import { bind } from './addon.ts';
import * as constants from './constants.ts';
import * as layouts from './layouts.ts';
import { checked } from './system-error.ts';

const fcntlCall = /* @__PURE__ */ bind<[number, number, number], number>('int fcntl(int, int, int)');
const getrlimitCall = /* @__PURE__ */ bind<[number, Buffer], number>('int getrlimit(int, void *)');
const setrlimitCall = /* @__PURE__ */ bind<[number, Buffer], number>('int setrlimit(int, void *)');
const pollCall = /* @__PURE__ */ bind<[Buffer, number, number], number>(
  'int poll(void *, unsigned long, int)',
);
const sendCall = /* @__PURE__ */ bind<[number, Buffer, number, number], number>(
  'long send(int, void *, size_t, int)',
);

const pipe2Call = /* @__PURE__ */ bind<[Int32Array, number], number>('int pipe2(void *, int)');

/** A pipe of two close-on-exec descriptors, pipe(2). @throws SystemError EMFILE, ENFILE */
export function openPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  checked('pipe2', pipe2Call(ends, constants.O_CLOEXEC));
  return { readEnd: ends[0] as number, writeEnd: ends[1] as number };
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

/**
 * Sets the soft limit of open descriptors, RLIMIT_NOFILE of setrlimit(2), and returns the previous one.
 * @throws SystemError EINVAL above the hard limit
 */
export function setDescriptorLimit(soft: bigint): bigint {
  const limit = Buffer.alloc(layouts.sizeofRlimit);
  checked('getrlimit', getrlimitCall(constants.RLIMIT_NOFILE, limit));
  const before = limit.readBigUInt64LE();
  limit.writeBigUInt64LE(soft);
  checked('setrlimit', setrlimitCall(constants.RLIMIT_NOFILE, limit));
  return before;
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
