import { bind, koffi } from './addon.ts';
import { callableFromC } from './callback.ts';
import * as constants from './constants.ts';
import { type Handle, handleLength, UV_POLL, uvDefaultLoop } from './libuv.ts';
import { checked, uvChecked } from './system-error.ts';

const UV_READABLE = 1;
const UV_DISCONNECT = 4;

const uvPollInit = bind<[unknown, Handle, number], number>('int uv_poll_init(void *, void *, int)');
const uvPollStart = bind<[Handle, number, bigint], number>('int uv_poll_start(void *, int, void *)');
const uvClose = bind<[Handle, bigint], void>('void uv_close(void *, void *)');
const epollCreateCall = bind<[number], number>('int epoll_create1(int)');
const epollCtlCall = bind<[number, number, number, Uint32Array], number>(
  'int epoll_ctl(int, int, int, void *)',
);

/** By the address of their handle, which libuv passes to its callbacks. */
const polls = new Map<bigint, { readonly handle: Handle; readonly callBack: () => void }>();
/** All polls share these. */
let onPolled: bigint | undefined;
let onClosed: bigint | undefined;

/**
 * Calls back, on node's loop, for as long as a descriptor is readable or has an error: uv_poll_t. The returned function
 * ends the poll; the descriptor must stay open until then. It keeps the process running.
 *
 * The callback must not rely on process.nextTick or promises: libuv calls it directly, and not through node, which runs
 * those queues.
 * @throws SystemError ENOMEM, ENOSPC: epoll_ctl(2)
 */
export function pollReadable(descriptor: number, onReadable: () => void): () => void {
  return poll(descriptor, UV_READABLE, onReadable);
}

/** The same for as long as the other end has hung up, EPOLLHUP of epoll_ctl(2). */
export function pollHangUp(descriptor: number, onHangUp: () => void): () => void {
  return poll(descriptor, UV_DISCONNECT, onHangUp);
}

function poll(descriptor: number, events: number, callBack: () => void): () => void {
  onPolled ??= callableFromC(['intptr_t', 'int', 'int'], (handle: number | bigint) =>
    polls.get(BigInt(handle))?.callBack(),
  );
  const handle = new Uint32Array(handleLength(UV_POLL));
  uvChecked('uv_poll_init', uvPollInit(uvDefaultLoop(), handle, descriptor));
  polls.set(koffi().address(handle), { handle, callBack });
  uvChecked('uv_poll_start', uvPollStart(handle, events, onPolled));
  return () => {
    onClosed ??= callableFromC(['intptr_t'], (address: number | bigint) => polls.delete(BigInt(address)));
    uvClose(handle, onClosed);
  };
}

/**
 * Calls back once, when nobody can write to a pipe or a socket any more: EPOLLHUP of a pipe, EPOLLRDHUP of a socket,
 * epoll_ctl(2). Reads nothing.
 *
 * uv_poll_t would make the descriptor non-blocking, and with it that of every process which shares its open file
 * description. So this has an epoll instance, and libuv polls that.
 * @throws SystemError EPERM for a file, which has no other end
 */
export function onHangUp(descriptor: number, callBack: () => void): void {
  const epoll = checked('epoll_create1', epollCreateCall(constants.EPOLL_CLOEXEC));
  // A struct epoll_event: `events`, and data that nobody reads. EPOLLHUP need not be asked for.
  const event = new Uint32Array([constants.EPOLLRDHUP, 0, 0, 0]);
  checked('epoll_ctl', epollCtlCall(epoll, constants.EPOLL_CTL_ADD, descriptor, event));
  const end = pollReadable(epoll, () => {
    end();
    callBack();
  });
}
