import { bind, koffi } from './addon.ts';
import { UV_PROCESS, uvDefaultLoop, uvLoopInit } from './libuv.ts';
import type { Pid } from './types.ts';

/** On x64 and arm64. A struct uv__queue is two pointers: next and previous. */
const sizeofPointer = 8;

const uvLoopSize = /* @__PURE__ */ bind<[], number | bigint>('size_t uv_loop_size(void)');
const uvLoopClose = /* @__PURE__ */ bind<[BigUint64Array], number>('int uv_loop_close(void *)');
const uvHandleGetType = /* @__PURE__ */ bind<[unknown], number>('int uv_handle_get_type(void *)');
const uvProcessGetPid = /* @__PURE__ */ bind<[unknown], number>('int uv_process_get_pid(void *)');
const uvIsActive = /* @__PURE__ */ bind<[unknown], number>('int uv_is_active(void *)');
const uvTtyResetMode = /* @__PURE__ */ bind<[], number>('int uv_tty_reset_mode(void)');
const uvWalk = /* @__PURE__ */ bind<[bigint, bigint, null], void>('void uv_walk(void *, void *, void *)');

/** undefined: not searched yet; null: not found. */
let processQueueOffset: number | null | undefined;

/**
 * The children that libuv will wait for on node's main loop: its active uv_process_t handles.
 *
 * This reads the loop's own list of processes. uv_walk would visit every socket and timer too: 3 ms for 10,000 of them,
 * at every snapshot in a storm of orphans.
 */
export function childrenOfLibuv(): Set<Pid> {
  if (processQueueOffset === undefined) processQueueOffset = findProcessQueue();
  return processQueueOffset === null ? walkForChildren() : listChildren(processQueueOffset);
}

function listChildren(queueOffset: number): Set<Pid> {
  const { decode } = koffi();
  const pids = new Set<Pid>();
  const head = uvDefaultLoop() + BigInt(queueOffset);
  const nextOf = (queue: bigint) => BigInt(decode.uint64(queue));
  for (let queue = nextOf(head); queue !== head; queue = nextOf(queue)) {
    // uv_process_t: …, int pid, struct uv__queue queue, …
    pids.add(decode.int32(queue - BigInt(sizeofPointer)) as Pid);
  }
  return pids;
}

/**
 * The offset of `process_handles` in uv_loop_t. libuv does not change its structures within a major version, but the
 * fields in front differ in size between platforms. So this searches a new loop, in which `process_handles` is the first
 * of four empty queues in a row (process, prepare, check and idle handles). An empty queue points to itself.
 */
function findProcessQueue(): number | null {
  const loop = new BigUint64Array(Number(uvLoopSize()) / sizeofPointer);
  if (uvLoopInit(loop) !== 0) return null;
  const start = koffi().address(loop);
  const isEmptyQueue = (index: number) => {
    const self = start + BigInt(index * sizeofPointer);
    return loop[index] === self && loop[index + 1] === self;
  };
  const first = loop.findIndex((_, index) => [0, 2, 4, 6].every((more) => isEmptyQueue(index + more)));
  uvLoopClose(loop);
  return first === -1 ? null : first * sizeofPointer;
}

let visitor: bigint | undefined;
let visited: Set<Pid>;

/** The same through libuv's public interface only. */
export function walkForChildren(): Set<Pid> {
  visitor ??= registerVisitor();
  visited = new Set();
  uvWalk(uvDefaultLoop(), visitor, null);
  return visited;
}

/** Call it once: koffi never frees a prototype. */
function registerVisitor(): bigint {
  const visit = (handle: unknown) => {
    if (uvHandleGetType(handle) !== UV_PROCESS || uvIsActive(handle) === 0) return;
    visited.add(uvProcessGetPid(handle) as Pid);
  };
  return koffi().register(visit, koffi().pointer(koffi().proto('void', ['void *', 'void *'])));
}

/** Restores the terminal modes that libuv found. Node does the same before a signal ends it. */
export function resetTerminalModes(): void {
  uvTtyResetMode();
}
