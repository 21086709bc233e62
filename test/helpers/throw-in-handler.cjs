// Loaded into init before its program (node --require): makes one of its event handlers throw. This needs no seam in init:
// all handlers come by way of node's timers, koffi's callbacks or events of the process.
//
// THROW_IN names the handler, by what calls it and a part of its source:
//   immediate:TEXT, timeout:TEXT, interval:TEXT   node's timers
//   poll:TEXT      a descriptor that uv_poll watches
//   closed         a uv_poll is closed
//   signal         a signal on node's own loop: SIGCHLD
//   rejection      a promise
//   nothing-left   'beforeExit'
//   failure        the handler of exceptions itself fails, after one in an immediate
// THROW_WHEN     it throws once this file exists
// THROW_AT       start: before the handler has done anything, so that what it was called for is lost. Else at its end
// THROW_TIMES    how often (1)
// SLOW_CLOCK     each look at the clock takes 10 ms: slices of work are over at once
// KEEP_TIMERS    the timer cannot be cleared
const { existsSync } = require('node:fs');
const timers = require('node:timers');

const { THROW_IN, THROW_WHEN, THROW_AT, THROW_TIMES = '1', SLOW_CLOCK, KEEP_TIMERS } = process.env;
// The workload must not see them.
for (const name of ['IN', 'WHEN', 'AT', 'TIMES']) delete process.env[`THROW_${name}`];
delete process.env.SLOW_CLOCK;
delete process.env.KEEP_TIMERS;

const [kind, text = ''] = THROW_IN.split(/:(.*)/s);
let left = Number(THROW_TIMES);

function throwNow() {
  if (left === 0 || !existsSync(THROW_WHEN)) return;
  left--;
  const error = new Error(`a handler threw: ${THROW_IN}`);
  if (kind === 'failure') {
    Object.defineProperty(error, 'message', {
      get() {
        throw new Error('the handler of exceptions threw');
      },
    });
  }
  throw error;
}

const isMeant = (callBack) => `${callBack}`.includes(text);

/** Which of init's callbacks from C runs, or 'timer' where a timer's is to throw before it has done anything. */
let inside;

function throwing(callBack) {
  return (...args) => {
    if (THROW_AT !== 'start') {
      callBack(...args);
      throwNow();
    } else if (kind === 'timeout') {
      inside = 'timer';
      callBack(...args);
      inside = undefined;
    } else {
      throwNow();
      callBack(...args);
    }
  };
}

if (THROW_AT === 'start' && kind === 'timeout') {
  const { push } = Array.prototype;
  // The first thing that a timer's handler does is to add an event to those that wait.
  Array.prototype.push = function (...items) {
    if (inside === 'timer' && items[0]?.kind === 'timer') throwNow();
    return push.apply(this, items);
  };
}

for (const name of ['setImmediate', 'setTimeout', 'setInterval']) {
  const own = name === 'setImmediate' && kind === 'failure' ? 'immediate' : kind;
  const original = timers[name];
  timers[name] = (callBack, ...args) => {
    const isIt = own === name.slice(3).toLowerCase() && isMeant(callBack);
    const timer = original(isIt ? throwing(callBack) : callBack, ...args);
    // An exception must come from inside of a callback from C, as one of init's own would: this one makes init reap.
    if (inside === kind && kind === 'signal') throwNow();
    return isIt && KEEP_TIMERS ? undefined : timer;
  };
  globalThis[name] = timers[name];
}

if (kind === 'rejection') {
  const original = timers.setImmediate;
  timers.setImmediate = (callBack, ...args) =>
    original(
      () => {
        callBack();
        Promise.resolve().then(throwNow);
      },
      ...args,
    );
  globalThis.setImmediate = timers.setImmediate;
}

if (kind === 'nothing-left') {
  const look = setInterval(() => {
    if (!existsSync(THROW_WHEN)) return;
    clearInterval(look);
    process.emit('beforeExit', 0);
  }, 10);
}

if (SLOW_CLOCK) {
  const { uptime } = process;
  let looks = 0;
  process.uptime = () => uptime() + looks++ / 100;
}

// In the order in which init registers them. Both that have to do with polls look theirs up in a Map.
const callbacks = ['signal', 'poll', 'closed'];
if (callbacks.includes(kind)) {
  const { get } = Map.prototype;
  Map.prototype.get = function (key) {
    const value = get.call(this, key);
    if (inside !== kind || kind === 'signal') return value;
    if (kind === 'closed') throwNow();
    else if (typeof value?.callBack === 'function' && isMeant(value.callBack))
      return { ...value, callBack: throwing(value.callBack) };
    return value;
  };
  const { dlopen } = process;
  process.dlopen = (module, ...options) => {
    dlopen.call(process, module, ...options);
    const { register } = module.exports;
    let registered = 0;
    module.exports.register = (callBack, type) => {
      const name = callbacks[registered++];
      const marked = (...args) => {
        // A poll of a signal loop runs other callbacks.
        const outside = inside;
        inside = name;
        callBack(...args);
        inside = outside;
      };
      return register(marked, type);
    };
  };
}
