import { addressOf, bind } from './addon.ts';

type Pointer = unknown;

// node.h and v8.h are C++, so the names are mangled. Addons rely on them since Node 10.
const isolateGetCurrent = /* @__PURE__ */ bind<[], Pointer>('void *_ZN2v87Isolate10GetCurrentEv(void)');
const addEnvironmentCleanupHook = /* @__PURE__ */ bind<[Pointer, Pointer, Uint32Array], void>(
  'void _ZN4node25AddEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_(void *, void *, void *)',
);

let isolate: Pointer;
let uvSignalStop: Pointer;

/**
 * Makes node call `uv_signal_stop` on a handle when it ends its environment, node::AddEnvironmentCleanupHook: after the
 * last JavaScript, and before it unloads its addons, koffi included.
 */
export function stopSignalAtCleanup(handle: Uint32Array): void {
  // Look them up once: PID 1 has 44 handles.
  isolate ??= isolateGetCurrent();
  uvSignalStop ??= addressOf('uv_signal_stop');
  addEnvironmentCleanupHook(isolate, uvSignalStop, handle);
}
