import { fstatSync, type Stats } from 'node:fs';
import { bind, lastErrno } from './addon.ts';
import * as constants from './constants.ts';
import { setPipeSize } from './descriptors.ts';
import { uvLoopInit } from './libuv.ts';
import { permanentMemory } from './permanent-memory.ts';
import { pollReadable } from './poll.ts';
import { checked, uvChecked } from './system-error.ts';
import type { Signal } from './types.ts';

/** A libuv loop that never runs: it lends its pipe to signals, and init reads that. */
export interface SignalLoop {
  /** A uv_loop_t, whose size is 848 in libuv 1. Asking uv_loop_size() would take start-up as long as making a loop. */
  readonly memory: Int32Array;
  /**
   * Reads the signals of this loop whenever node's loop finds some; until this call, they wait in the pipe. Call it once,
   * after the first signal handle of this loop has been started: that makes the pipe.
   *
   * libuv itself would read the pipe for as long as signals come, so a flood would keep node's loop from timers and from
   * other signals. This reads a slice in one turn of node's loop.
   * @throws SystemError ENOMEM, ENOSPC: epoll_ctl(2)
   */
  read(deliver: (signal: Signal) => void, keepsLoopAlive: boolean): void;
}

const MOST_BYTES = 4096;

const readCall = /* @__PURE__ */ bind<[number, Int32Array, number], number>('long read(int, void *, size_t)');

/** A struct uv__signal_msg_t of libuv's unix/signal.c: the address of the handle, and the signal's number as an int. */
const INTS_IN_MESSAGE = 4;
const SIGNAL_IN_MESSAGE = 2;
/** What init acts on in one turn of node's loop: 256 messages. */
const slice = new Int32Array(256 * INTS_IN_MESSAGE);

/**
 * Makes a loop. For each delivery, libuv's signal handler writes a message to the pipe of the loop. If the pipe is full
 * (4,096 messages), it silently drops the message, so a flood of one signal can drown every other signal of the same loop.
 * A signal on its own loop has its own pipe.
 * @param pipeSize the size that its pipe is to have, in bytes
 * @throws SystemError EMFILE, ENFILE, ENOMEM
 */
export function createSignalLoop(pipeSize: number): SignalLoop {
  const memory = new Int32Array(permanentMemory(MOST_BYTES));
  uvChecked('uv_loop_init', uvLoopInit(memory));
  return {
    memory,
    read(deliver, keepsLoopAlive) {
      const pipe = findPipe(memory);
      setPipeSize(pipe, pipeSize);
      const readSlice = () => {
        const ints = readSome(pipe) / slice.BYTES_PER_ELEMENT;
        for (let index = SIGNAL_IN_MESSAGE; index < ints; index += INTS_IN_MESSAGE)
          deliver(slice[index] as Signal);
      };
      pollReadable(pipe, readSlice, keepsLoopAlive);
    },
  };
}

/** read(2). node's readSync takes five times as long, a fifth of what init does for a signal. */
function readSome(pipe: number): number {
  const size = Number(readCall(pipe, slice, slice.byteLength));
  // A signal of node's came first. The pipe stays readable, so the next turn reads it.
  return size === -1 && lastErrno() === constants.EINTR ? 0 : checked('read', size);
}

/**
 * The read end of the loop's pipe, `signal_pipefd[0]` in uv_loop_t. libuv does not change its structures within a major
 * version, but the fields in front differ in size between platforms: this searches two neighbours that are one pipe.
 * @throws Error if there is none: no signal handle of the loop was started
 */
function findPipe(memory: Int32Array): number {
  for (const [index, descriptor] of memory.entries()) {
    const other = memory[index + 1] as number;
    if (Math.min(descriptor, other) < 3 || Math.max(descriptor, other) > 1 << 20) continue;
    const [one, two] = [stat(descriptor), stat(other)];
    if (one?.isFIFO() && descriptor !== other && one.ino === two?.ino && one.dev === two.dev)
      return descriptor;
  }
  throw new Error('libuv has made no pipe for signals');
}

/** undefined for a number that is no descriptor. */
function stat(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined;
  }
}
