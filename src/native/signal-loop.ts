import { foreign } from './addon.ts';
import * as constants from './constants.ts';
import { pollReadable, uvChecked } from './poll.ts';

/** A uv_loop_t. Its signal handles keep pointers to it: it is never collected. */
export type SignalLoop = Uint8Array;

const UV_RUN_NOWAIT = 2;

const uvDefaultLoop = /* @__PURE__ */ foreign<[], unknown>('uv_default_loop', 'void *', []);
const uvLoopSize = /* @__PURE__ */ foreign<[], number | bigint>('uv_loop_size', 'size_t', []);
const uvLoopInit = /* @__PURE__ */ foreign<[SignalLoop], number>('uv_loop_init', 'int', ['void *']);
const uvBackendFd = /* @__PURE__ */ foreign<[unknown], number>('uv_backend_fd', 'int', ['void *']);
const uvRun = /* @__PURE__ */ foreign<[SignalLoop, number], number>('uv_run', 'int', ['void *', 'int']);
const fcntlCall = /* @__PURE__ */ foreign<[number, number, number], number>('fcntl', 'int', [
  'int',
  'int',
  'int',
]);
const closeCall = /* @__PURE__ */ foreign<[number], number>('close', 'int', ['int']);

const loops: SignalLoop[] = [];

/**
 * A loop of libuv's beside node's, for signals alone. libuv's signal handler writes a message of 16 bytes for each
 * delivery to the pipe of the loop, and where that is full (4,096 messages) drops the message and tells nobody. So a
 * flood of one signal drowns every other one of the same loop. What is on a loop of its own has a pipe of its own.
 * @param pipeSize how large to make the pipe, in bytes; by default as the kernel makes it, 64 KiB
 * @throws SystemError EMFILE, ENFILE, ENOMEM
 */
export function createSignalLoop(pipeSize?: number): SignalLoop {
  const loop = new Uint8Array(Number(uvLoopSize()));
  const [first, second] = pipeSize === undefined ? [-1, -1] : nextDescriptors();
  uvChecked('uv_loop_init', uvLoopInit(loop));
  loops.push(loop);
  // libuv opens the loop's epoll instance first, then the pipe. Its size is best effort: an unprivileged user may have
  // no room left (pipe-user-pages-soft), and a kernel another limit (pipe-max-size).
  if (pipeSize !== undefined && uvBackendFd(loop) === first) {
    fcntlCall(second, constants.F_SETPIPE_SZ, pipeSize);
  }
  return loop;
}

/** Which two descriptors the kernel gives out next: always the lowest ones, open(2). */
function nextDescriptors(): [number, number] {
  const any = uvBackendFd(uvDefaultLoop());
  const first = fcntlCall(any, constants.F_DUPFD_CLOEXEC, 0);
  const second = fcntlCall(any, constants.F_DUPFD_CLOEXEC, 0);
  closeCall(first);
  closeCall(second);
  return [first, second];
}

/**
 * Has node's loop run this one whenever a signal has come to it. To be called once, when the first signal handle of
 * the loop has been started: libuv does not poll for a loop that has none.
 * @throws SystemError
 */
export function runBesideNode(loop: SignalLoop, keepsLoopAlive: boolean): void {
  const run = () => void uvRun(loop, UV_RUN_NOWAIT);
  // The first run is what adds the pipe to the loop's epoll instance.
  run();
  pollReadable(uvBackendFd(loop), run, keepsLoopAlive);
}
