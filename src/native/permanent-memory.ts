import { koffi } from './addon.ts';

/**
 * Memory that outlives JavaScript, for what a signal handler reads until the process is gone: libuv's signal handles and
 * loops. Node frees the memory of typed arrays before that, and libuv would abort.
 */
export function permanentMemory(bytes: number): ArrayBuffer {
  return koffi().view(koffi().alloc('uint8', bytes), bytes);
}
