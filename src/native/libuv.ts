import { bind, koffi } from './addon.ts';
import { callableFromC } from './callback.ts';
import type { Pid } from './types.ts';

/** A libuv handle. libuv keeps a pointer to it until it is closed, so it must not be collected before. */
export type Handle = Uint32Array;

/** The numbers of uv_handle_type: libuv does not change them within a major version. */
export const UV_POLL = 8;
const UV_PROCESS = 10;
export const UV_SIGNAL = 16;

export const uvDefaultLoop = bind<[], bigint>('void *uv_default_loop(void)');
export const uvLoopInit = bind<[Int32Array], number>('int uv_loop_init(void *)');
export const uvUnref = bind<[Handle], void>('void uv_unref(void *)');

const uvHandleSizeCall = bind<[number], number | bigint>('size_t uv_handle_size(int)');

/** How many elements a handle of this type has. */
export function handleLength(type: number): number {
  return Number(uvHandleSizeCall(type)) / Uint32Array.BYTES_PER_ELEMENT;
}

/**
 * Memory that outlives JavaScript, for what a signal handler reads until the process is gone: libuv's signal handles and
 * loops. Node frees the memory of typed arrays before that, and libuv would abort.
 */
export function permanentMemory(bytes: number): ArrayBuffer {
  return koffi().view(koffi().alloc('uint8', bytes), bytes);
}

const uvHandleGetType = bind<[unknown], number>('int uv_handle_get_type(void *)');
const uvProcessGetPid = bind<[unknown], number>('int uv_process_get_pid(void *)');
const uvIsActive = bind<[unknown], number>('int uv_is_active(void *)');
const uvWalk = bind<[bigint, bigint, null], void>('void uv_walk(void *, void *, void *)');

let visitor: bigint | undefined;
let visited: Set<Pid>;

/**
 * The children that libuv will wait for on node's main loop: its active uv_process_t handles. uv_walk visits every socket
 * and timer too, 10,000 of them in 3 ms, but what else libuv tells of its children is in its own structures.
 */
export function childrenOfLibuv(): Set<Pid> {
  visitor ??= callableFromC(['void *', 'void *'], (handle) => {
    if (uvHandleGetType(handle) !== UV_PROCESS || uvIsActive(handle) === 0) return;
    visited.add(uvProcessGetPid(handle) as Pid);
  });
  visited = new Set();
  uvWalk(uvDefaultLoop(), visitor, null);
  return visited;
}

/** Restores the terminal modes that libuv found. Node does the same before a signal ends it. */
export const resetTerminalModes = bind<[], number>('int uv_tty_reset_mode(void)');
