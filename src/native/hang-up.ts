import { bind } from './addon.ts';
import * as constants from './constants.ts';
import { pollReadable } from './poll.ts';
import { checked } from './system-error.ts';

const epollCreateCall = /* @__PURE__ */ bind<[number], number>('int epoll_create1(int)');
const epollCtlCall = /* @__PURE__ */ bind<[number, number, number, Uint32Array], number>(
  'int epoll_ctl(int, int, int, void *)',
);

/**
 * Calls back once nobody can write to a pipe or a socket any more: EPOLLHUP of a pipe, EPOLLRDHUP of a socket,
 * epoll_ctl(2). Reads nothing, and does not keep the process running.
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
  const end = pollReadable(
    epoll,
    () => {
      end();
      callBack();
    },
    false,
  );
}
