import { bind, koffi } from './addon.ts';
import { safeForC } from './callback.ts';
import { type Handle, handleLength, UV_POLL, uvDefaultLoop, uvUnref } from './libuv.ts';
import { uvChecked } from './system-error.ts';

const UV_READABLE = 1;
const UV_DISCONNECT = 4;

const uvPollInit = /* @__PURE__ */ bind<[unknown, Handle, number], number>(
  'int uv_poll_init(void *, void *, int)',
);
const uvPollStart = /* @__PURE__ */ bind<[Handle, number, bigint], number>(
  'int uv_poll_start(void *, int, void *)',
);
const uvClose = /* @__PURE__ */ bind<[Handle, bigint], void>('void uv_close(void *, void *)');

interface Poll {
  readonly handle: Handle;
  readonly callBack: () => void;
}

/** By the address of their handle, which libuv passes to its callbacks. */
const polls = new Map<bigint, Poll>();
const closed: Handle[] = [];
/** koffi has room for a few thousand callbacks only, so all polls share these. */
let callbacks: { readonly polled: bigint; readonly closed: bigint } | undefined;

function registerCallbacks(): { readonly polled: bigint; readonly closed: bigint } {
  const { pointer, proto, register } = koffi();
  return {
    polled: register(
      safeForC((handle: number | bigint) => polls.get(BigInt(handle))?.callBack()),
      pointer(proto('void', ['intptr_t', 'int', 'int'])),
    ),
    closed: register(
      safeForC((address: number | bigint) => {
        const { handle } = polls.get(BigInt(address)) as Poll;
        polls.delete(BigInt(address));
        closed.push(handle);
      }),
      pointer(proto('void', ['intptr_t'])),
    ),
  };
}

/**
 * Calls back, on node's loop, for as long as a descriptor is readable or has an error: uv_poll_t. The returned function
 * ends the poll; the descriptor must stay open until then.
 *
 * The callback must not rely on process.nextTick or promises: libuv calls it directly, and not through node, which runs
 * those queues.
 * @param keepsLoopAlive whether the poll keeps an otherwise idle process running
 * @throws SystemError ENOMEM, ENOSPC: epoll_ctl(2)
 */
export function pollReadable(
  descriptor: number,
  onReadable: () => void,
  keepsLoopAlive: boolean,
): () => void {
  return poll(descriptor, UV_READABLE, onReadable, keepsLoopAlive);
}

/** Calls back for as long as the other end has hung up, EPOLLHUP of epoll_ctl(2). Does not keep the process running. */
export function pollHangUp(descriptor: number, onHangUp: () => void): () => void {
  return poll(descriptor, UV_DISCONNECT, onHangUp, false);
}

function poll(descriptor: number, events: number, callBack: () => void, keepsLoopAlive: boolean): () => void {
  callbacks ??= registerCallbacks();
  const handle = closed.pop() ?? new Uint32Array(handleLength(UV_POLL));
  uvChecked('uv_poll_init', uvPollInit(uvDefaultLoop(), handle, descriptor));
  polls.set(koffi().address(handle), { handle, callBack });
  uvChecked('uv_poll_start', uvPollStart(handle, events, callbacks.polled));
  if (!keepsLoopAlive) uvUnref(handle);
  const { closed: onClosed } = callbacks;
  return () => uvClose(handle, onClosed);
}
