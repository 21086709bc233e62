import { readFileSync } from 'node:fs';
import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { permanentMemory } from './permanent-memory.ts';
import { pollReadable, uvChecked } from './poll.ts';

/** A libuv loop beside node's, for signals only. */
export interface SignalLoop {
  /** A uv_loop_t. */
  readonly memory: Uint8Array;
  readonly pipeSize: number | undefined;
}

const UV_RUN_NOWAIT = 2;
/** uv_loop_size() is 848 in libuv 1. Calling it would take start-up as long as making a loop. */
const MOST_BYTES = 4096;

const uvLoopInit = /* @__PURE__ */ bind<[Uint8Array], number>('uv_loop_init', 'int', ['void *']);
const uvBackendFd = /* @__PURE__ */ bind<[Uint8Array], number>('uv_backend_fd', 'int', ['void *']);
const uvRun = /* @__PURE__ */ bind<[Uint8Array, number], number>('uv_run', 'int', ['void *', 'int']);
const fcntlCall = /* @__PURE__ */ bind<[number, number, number], number>('fcntl', 'int', [
  'int',
  'int',
  'int',
]);

/**
 * Makes a loop. For each delivery, libuv's signal handler writes a message of 16 bytes to the pipe of the loop. If the
 * pipe is full (4,096 messages), it silently drops the message, so a flood of one signal can drown every other signal of
 * the same loop. A signal on its own loop has its own pipe.
 * @param pipeSize the size of the pipe in bytes; by default the kernel's, 64 KiB
 * @throws SystemError EMFILE, ENFILE, ENOMEM
 */
export function createSignalLoop(pipeSize?: number): SignalLoop {
  const loop = { memory: new Uint8Array(permanentMemory(MOST_BYTES)), pipeSize };
  uvChecked('uv_loop_init', uvLoopInit(loop.memory));
  return loop;
}

/**
 * Makes node's loop run this one whenever it gets a signal; until this call, signals wait in the pipe. Call it once,
 * after the first signal handle of the loop has been started: libuv does not poll for a loop without one.
 * @throws SystemError
 */
export function runBesideNode({ memory, pipeSize }: SignalLoop, keepsLoopAlive: boolean): void {
  const run = () => void uvRun(memory, UV_RUN_NOWAIT);
  const backend = uvBackendFd(memory);
  pollReadable(backend, run, keepsLoopAlive);
  // The first run adds the pipe to the loop's epoll instance, and delivers the signals so far.
  run();
  if (pipeSize !== undefined) enlargePipe(backend, pipeSize);
}

/**
 * Sets F_SETPIPE_SZ of fcntl(2) on the one pipe that an epoll instance watches. Best effort: /proc may be missing, an
 * unprivileged user may have used up its pages (pipe-user-pages-soft), and the kernel may allow less (pipe-max-size).
 */
function enlargePipe(epoll: number, size: number): void {
  let watched = '';
  try {
    watched = readFileSync(`/proc/self/fdinfo/${epoll}`, 'latin1');
  } catch {
    // The pipe keeps its size.
  }
  for (const [, descriptor] of watched.matchAll(/^tfd:\s*(\d+)/gm)) {
    fcntlCall(Number(descriptor), constants.F_SETPIPE_SZ, size);
  }
}
