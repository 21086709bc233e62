import { bind } from './addon.ts';

/** A libuv handle. libuv keeps a pointer to it until it is closed, so it must not be collected before. */
export type Handle = Uint32Array;

/** The numbers of uv_handle_type: libuv does not change them within a major version. */
export const UV_POLL = 8;
export const UV_PROCESS = 10;
export const UV_SIGNAL = 16;

export const uvDefaultLoop = /* @__PURE__ */ bind<[], bigint>('void *uv_default_loop(void)');
export const uvLoopInit = /* @__PURE__ */ bind<[BigUint64Array | Int32Array], number>(
  'int uv_loop_init(void *)',
);
export const uvUnref = /* @__PURE__ */ bind<[Handle], void>('void uv_unref(void *)');

const uvHandleSizeCall = /* @__PURE__ */ bind<[number], number | bigint>('size_t uv_handle_size(int)');

/** How many elements a handle of this type has. */
export function handleLength(type: number): number {
  return Number(uvHandleSizeCall(type)) / Uint32Array.BYTES_PER_ELEMENT;
}
