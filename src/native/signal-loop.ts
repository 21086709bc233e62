import { readFileSync } from 'node:fs';
import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { pollReadable, uvChecked } from './poll.ts';

/** A loop of libuv's beside node's, for signals alone. */
export interface SignalLoop {
  /** A uv_loop_t. Signal handles keep pointers to it: it is never collected. */
  readonly memory: Uint8Array;
  readonly pipeSize: number | undefined;
}

const UV_RUN_NOWAIT = 2;
/** uv_loop_size() is 848 in libuv 1; asking for it would cost a start as much as making a loop. */
const MOST_BYTES = 4096;

const uvLoopInit = /* @__PURE__ */ bind<[Uint8Array], number>('uv_loop_init', 'int', ['void *']);
const uvBackendFd = /* @__PURE__ */ bind<[Uint8Array], number>('uv_backend_fd', 'int', ['void *']);
const uvRun = /* @__PURE__ */ bind<[Uint8Array, number], number>('uv_run', 'int', ['void *', 'int']);
const fcntlCall = /* @__PURE__ */ bind<[number, number, number], number>('fcntl', 'int', [
  'int',
  'int',
  'int',
]);

const loops: SignalLoop[] = [];

/**
 * Makes a loop. libuv's signal handler writes a message of 16 bytes for each delivery to the pipe of the loop, and where
 * that is full (4,096 messages) drops the message and tells nobody. So a flood of one signal drowns every other one of the
 * same loop. What is on a loop of its own has a pipe of its own.
 * @param pipeSize how large to make the pipe, in bytes; by default as the kernel makes it, 64 KiB
 * @throws SystemError EMFILE, ENFILE, ENOMEM
 */
export function createSignalLoop(pipeSize?: number): SignalLoop {
  const loop = { memory: new Uint8Array(MOST_BYTES), pipeSize };
  uvChecked('uv_loop_init', uvLoopInit(loop.memory));
  loops.push(loop);
  return loop;
}

/**
 * Has node's loop run this one whenever a signal has come to it; until then signals wait in the pipe. To be called once,
 * when the first signal handle of the loop has been started: libuv does not poll for a loop that has none.
 * @throws SystemError
 */
export function runBesideNode({ memory, pipeSize }: SignalLoop, keepsLoopAlive: boolean): void {
  const run = () => void uvRun(memory, UV_RUN_NOWAIT);
  const backend = uvBackendFd(memory);
  pollReadable(backend, run, keepsLoopAlive);
  // The first run adds the pipe to the loop's epoll instance, and takes what has come so far.
  run();
  if (pipeSize !== undefined) enlargePipe(backend, pipeSize);
}

/**
 * F_SETPIPE_SZ of fcntl(2) for the one pipe that an epoll instance watches. Best effort: there may be no /proc, an
 * unprivileged user may have no room left (pipe-user-pages-soft), and a kernel another limit (pipe-max-size).
 */
function enlargePipe(epoll: number, size: number): void {
  let watched = '';
  try {
    watched = readFileSync(`/proc/self/fdinfo/${epoll}`, 'latin1');
  } catch {
    // It stays as it is.
  }
  for (const [, descriptor] of watched.matchAll(/^tfd:\s*(\d+)/gm)) {
    fcntlCall(Number(descriptor), constants.F_SETPIPE_SZ, size);
  }
}
