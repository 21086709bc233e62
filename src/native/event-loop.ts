import { foreign, koffi } from './addon.ts';
import type { Pid } from './types.ts';

const UV_PROCESS = 10;

const uvDefaultLoop = /* @__PURE__ */ foreign<[], unknown>('uv_default_loop', 'void *', []);
const uvHandleGetType = /* @__PURE__ */ foreign<[unknown], number>('uv_handle_get_type', 'int', ['void *']);
const uvProcessGetPid = /* @__PURE__ */ foreign<[unknown], number>('uv_process_get_pid', 'int', ['void *']);
const uvIsActive = /* @__PURE__ */ foreign<[unknown], number>('uv_is_active', 'int', ['void *']);
const uvTtyResetMode = /* @__PURE__ */ foreign<[], number>('uv_tty_reset_mode', 'int', []);

/** The children that libuv is going to wait for on node's main loop: its active uv_process_t handles, uv_walk. */
export function childrenOfLibuv(): Pid[] {
  const pids: Pid[] = [];
  const callbackType = koffi().pointer(koffi().proto('void', ['void *', 'void *']));
  const uvWalk = /* @__PURE__ */ foreign<[unknown, (handle: unknown) => void, null], void>(
    'uv_walk',
    'void',
    ['void *', callbackType, 'void *'],
  );
  uvWalk(
    uvDefaultLoop(),
    (handle) => {
      if (uvHandleGetType(handle) !== UV_PROCESS || uvIsActive(handle) === 0) return;
      pids.push(uvProcessGetPid(handle) as Pid);
    },
    null,
  );
  return pids;
}

/** Gives the terminal the modes that libuv found: what node does before a signal ends it. */
export function resetTerminalModes(): void {
  uvTtyResetMode();
}
