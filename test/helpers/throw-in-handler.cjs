// Loaded into init before its program (node --require): makes one of its event handlers throw. This needs no seam in init:
// all handlers come by way of node's timers, koffi's callbacks or promises.
//
// THROW_IN names the handler: immediate, timeout, poll, rejection or nothing-left. All throw once the file named by
// THROW_WHEN exists, which the workload makes.
const { existsSync } = require('node:fs');
const timers = require('node:timers');

const { THROW_IN, THROW_WHEN } = process.env;
// The workload must not see them.
delete process.env.THROW_IN;
delete process.env.THROW_WHEN;

let isDone = false;

function throwOnce() {
  if (isDone || !existsSync(THROW_WHEN)) return;
  isDone = true;
  throw new Error(`a handler threw: ${THROW_IN}`);
}

function throwing(callBack) {
  return (...args) => {
    callBack(...args);
    throwOnce();
  };
}

for (const name of ['setImmediate', 'setTimeout']) {
  if (THROW_IN !== name.slice(3).toLowerCase()) continue;
  const original = timers[name];
  timers[name] = (callBack, ...args) => original(throwing(callBack), ...args);
  globalThis[name] = timers[name];
}

if (THROW_IN === 'rejection') {
  const original = timers.setImmediate;
  timers.setImmediate = (callBack, ...args) =>
    original(
      () => {
        callBack();
        Promise.resolve().then(throwOnce);
      },
      ...args,
    );
  globalThis.setImmediate = timers.setImmediate;
}

// The first callback that init registers gets SIGCHLD, the second one what uv_poll says. An exception must come from inside,
// as one of init's own would: the callback looks something up in a Map.
const callbacks = ['signal', 'poll'];
if (THROW_IN === 'poll') {
  let inside;
  const { get } = Map.prototype;
  Map.prototype.get = function (key) {
    if (inside === THROW_IN) throwOnce();
    return get.call(this, key);
  };
  const { dlopen } = process;
  process.dlopen = (module, ...options) => {
    dlopen.call(process, module, ...options);
    const { register } = module.exports;
    let registered = 0;
    module.exports.register = (callBack, type) => {
      const name = callbacks[registered++];
      const marked = (...args) => {
        // The poll of a signal loop runs its callbacks.
        const outside = inside;
        inside = name;
        callBack(...args);
        inside = outside;
      };
      return register(marked, type);
    };
  };
}
