import { bind } from './addon.ts';

type Pointer = unknown;

// node.h and v8.h are C++, hence these names. Addons of every Node since 10 rely on them.
const isolateGetCurrent = /* @__PURE__ */ bind<[], Pointer>('_ZN2v87Isolate10GetCurrentEv', 'void *', []);
const addEnvironmentCleanupHook = /* @__PURE__ */ bind<[Pointer, Pointer, Uint32Array], void>(
  '_ZN4node25AddEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_',
  'void',
  ['void *', 'void *', 'void *'],
);
const dlsymCall = /* @__PURE__ */ bind<[number, string], Pointer>('dlsym', 'void *', ['intptr_t', 'str']);
const RTLD_DEFAULT = 0;

let isolate: Pointer;
let uvSignalStop: Pointer;

/**
 * Has node call `uv_signal_stop` on a handle when it ends its environment, after the last JavaScript and before it unloads
 * its addons, koffi among them: node::AddEnvironmentCleanupHook.
 */
export function stopSignalAtCleanup(handle: Uint32Array): void {
  // Looked up once: PID 1 has 44 handles.
  isolate ??= isolateGetCurrent();
  uvSignalStop ??= dlsymCall(RTLD_DEFAULT, 'uv_signal_stop');
  addEnvironmentCleanupHook(isolate, uvSignalStop, handle);
}
