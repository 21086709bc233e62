import { fstatSync, writeSync } from 'node:fs';
import { bind, lastErrno } from './addon.ts';
import { attempt } from './attempt.ts';
import * as constants from './constants.ts';
import { isPipe, setPipeSize } from './descriptors.ts';
import { permanentMemory, uvLoopInit } from './libuv.ts';
import { pollReadable } from './poll.ts';
import { checked, uvChecked } from './system-error.ts';
import type { Signal } from './types.ts';

/** A libuv loop that never runs: it lends its pipe to signals, and init reads that. */
export type SignalLoop = ReturnType<typeof createSignalLoop>;

/** The size of a uv_loop_t is 848 in libuv 1. Asking uv_loop_size() would take start-up as long as making a loop. */
const MOST_BYTES = 4096;
const INTS_IN_LOOP = 848 / 4;

const readCall = bind<[number, Int32Array, number], number>('long read(int, void *, size_t)');
const uvRun = bind<[Int32Array, number], number>('int uv_run(void *, int)');
const uvBackendFd = bind<[Int32Array], number>('int uv_backend_fd(void *)');
const UV_RUN_NOWAIT = 2;

/** A struct uv__signal_msg_t of libuv's unix/signal.c: the address of the handle, and the signal's number as an int. */
const INTS_IN_MESSAGE = 4;
const SIGNAL_IN_MESSAGE = 2;
/** What init acts on in one turn of node's loop: 256 messages. */
const slice = new Int32Array(256 * INTS_IN_MESSAGE);
const addresses = new BigUint64Array(slice.buffer);

/**
 * Makes a loop. For each delivery, libuv's signal handler writes a message to the pipe of the loop. If the pipe is full
 * (4,096 messages), it silently drops the message, so a flood of one signal can drown every other signal of the same loop.
 * A signal on its own loop has its own pipe.
 * @param pipeSize the size that its pipe is to have, in bytes
 * @throws SystemError EMFILE, ENFILE, ENOMEM
 * @throws Error if node has another libuv than 1: a loop may be larger there
 */
export function createSignalLoop(pipeSize: number) {
  if (!process.versions.uv.startsWith('1.')) throw new Error('only the loops of libuv 1 are known');
  const memory = new Int32Array(permanentMemory(MOST_BYTES));
  uvChecked('uv_loop_init', uvLoopInit(memory));
  return {
    memory,
    /**
     * Reads the signals of this loop whenever node's loop finds some; until this call, they wait in the pipe. Call it
     * once, after the first signal handle of this loop has been started: that makes the pipe.
     *
     * libuv itself would read the pipe for as long as signals come, so a flood would keep node's loop from timers and from
     * other signals. This reads a slice in one turn of node's loop. But how the messages look is libuv's own affair: if
     * the first one is not what this expects, it goes back into the pipe, and libuv reads it and those behind it.
     * @param isOurs whether this is the address of the handle that watches the signal
     * @throws SystemError ENOMEM, ENOSPC: epoll_ctl(2)
     */
    read(deliver: (signal: Signal) => void, isOurs: (handle: bigint, signal: Signal) => boolean) {
      const run = () => void uvRun(memory, UV_RUN_NOWAIT);
      const leaveToLibuv = () => {
        // libuv begins to watch the pipe, and empties it.
        run();
        pollReadable(uvBackendFd(memory), run);
      };

      const pipe = findPipe(memory);
      if (pipe === undefined) {
        leaveToLibuv();
        return;
      }
      setPipeSize(pipe.readEnd, pipeSize);
      let isKnown = false;
      const readSlice = () => {
        const size = readSome(pipe.readEnd);
        if (size === 0) return;
        isKnown ||= isOurs(addresses[0] as bigint, slice[SIGNAL_IN_MESSAGE] as Signal);
        if (!isKnown) {
          stopReading();
          leaveToLibuv();
          // If the pipe is full again, they are lost: of such a flood, libuv drops some as well.
          attempt(() => void writeSync(pipe.writeEnd, slice, 0, size));
          return;
        }
        const ints = size / slice.BYTES_PER_ELEMENT;
        for (let index = SIGNAL_IN_MESSAGE; index < ints; index += INTS_IN_MESSAGE)
          deliver(slice[index] as Signal);
      };
      const stopReading = pollReadable(pipe.readEnd, readSlice);
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
 * The loop's pipe, `signal_pipefd` in uv_loop_t. libuv does not change its structures within a major version, but the
 * fields in front differ in size between platforms: this searches two neighbours that are one pipe.
 * @returns undefined if there is none
 */
function findPipe(memory: Int32Array): { readonly readEnd: number; readonly writeEnd: number } | undefined {
  for (let index = 0; index + 1 < INTS_IN_LOOP; index++) {
    const readEnd = memory[index] as number;
    const writeEnd = memory[index + 1] as number;
    // fstat(2) would make an exception of each number that is no descriptor.
    if (Math.min(readEnd, writeEnd) < 3 || readEnd === writeEnd || !isPipe(readEnd) || !isPipe(writeEnd))
      continue;
    const [one, two] = [fstatSync(readEnd), fstatSync(writeEnd)];
    if (one.ino === two.ino && one.dev === two.dev) return { readEnd, writeEnd };
  }
  return undefined;
}
