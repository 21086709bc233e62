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
//   clock:TEXT     a look at the clock, of a function of that name
//   report         the report is written at the end
// THROW_WHEN     it throws once this file exists
// THROW_AT       start: before the handler has done anything, so that what it was called for is lost. Else at its end
// THROW_TIMES    how often (1)
// SLOW_CLOCK     each look at the clock takes 30 ms: a slice of work is one step, and SIGCHLD comes between two
// NO_PROC        no descriptor is left for /proc until the handler runs
// KEEP_TIMERS    the timer cannot be cleared
const fs = require('node:fs');
const timers = require('node:timers');

const { THROW_IN, THROW_WHEN, THROW_AT, THROW_TIMES = '1' } = process.env;
const { SLOW_CLOCK, NO_PROC, KEEP_TIMERS } = process.env;
// The workload must not see them.
for (const name of ['IN', 'WHEN', 'AT', 'TIMES']) delete process.env[`THROW_${name}`];
for (const name of ['SLOW_CLOCK', 'NO_PROC', 'KEEP_TIMERS']) delete process.env[name];

const [kind, text = ''] = THROW_IN.split(/:(.*)/s);
let left = Number(THROW_TIMES);

function throwNow() {
  if (left === 0 || !fs.existsSync(THROW_WHEN)) return;
  left--;
  const error = new Error(`a handler threw: ${THROW_IN}`);
  throw kind === 'failure' ? throwingAt(error, 'message', 'the handler of exceptions threw') : error;
}

/** An error that throws another one if somebody wants to know what it is. */
function throwingAt(error, property, message) {
  return Object.defineProperty(error, property, {
    get() {
      throw new Error(message);
    },
  });
}

const isMeant = (callBack) => `${callBack}`.includes(text);

/** Which of init's callbacks from C runs, or 'timer' where a timer's is to throw before it has done anything. */
let inside;

/** Whether the handler has run. */
let hasRun = false;

function throwing(callBack) {
  return (...args) => {
    hasRun = true;
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
  const ownKind = name === 'setImmediate' && kind === 'failure' ? 'immediate' : kind;
  const original = timers[name];
  timers[name] = (callBack, ...args) => {
    const isIt = ownKind === name.slice(3).toLowerCase() && isMeant(callBack);
    const own = isIt ? throwing(callBack) : callBack;
    const isSlice = SLOW_CLOCK && `${callBack}`.includes('task.next()');
    // The next turn of the loop reads the signal, before the slice that follows in the turn after it.
    if (isSlice) process.kill(process.pid, 'SIGCHLD');
    const timer = original(isSlice ? () => original(own) : own, ...args);
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
    if (!fs.existsSync(THROW_WHEN)) return;
    clearInterval(look);
    process.emit('beforeExit', 0);
  }, 10);
}

if (SLOW_CLOCK) {
  const { uptime } = process;
  let looks = 0;
  process.uptime = () => uptime() + 0.03 * looks++;
}

if (kind === 'clock') {
  const { uptime } = process;
  process.uptime = () => {
    if (new Error().stack.includes(text)) throwNow();
    return uptime();
  };
}

if (NO_PROC || kind === 'report') {
  const { openSync } = fs;
  fs.openSync = (file, ...args) => {
    if (NO_PROC && !hasRun && file.startsWith('/proc/') && fs.existsSync(THROW_WHEN))
      throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE' });
    if (kind === 'report' && file.endsWith('.unfinished'))
      throw throwingAt(new Error(), 'code', `a handler threw: ${THROW_IN}`);
    return openSync(file, ...args);
  };
}

// By how many arguments they get: uv_close_cb, uv_signal_cb, uv_poll_cb. Polls are in a Map: one looks its own up, and one
// deletes it.
const callbacks = ['closed', 'signal', 'poll'];
if (callbacks.includes(kind)) {
  const { get, delete: remove } = Map.prototype;
  Map.prototype.get = function (key) {
    const value = get.call(this, key);
    const isIt = inside === 'poll' && typeof value?.callBack === 'function' && isMeant(value.callBack);
    return isIt && kind === 'poll' ? { ...value, callBack: throwing(value.callBack) } : value;
  };
  Map.prototype.delete = function (key) {
    const wasThere = remove.call(this, key);
    if (inside === 'closed' && kind === 'closed') throwNow();
    return wasThere;
  };
  changeKoffi((koffi) => {
    const { register } = koffi;
    koffi.register = (callBack, type) => {
      const marked = (...args) => {
        // A poll of a signal loop runs other callbacks.
        const outside = inside;
        inside = callbacks[args.length - 1];
        callBack(...args);
        inside = outside;
      };
      return register(marked, type);
    };
  });
}

function changeKoffi(change) {
  const { dlopen } = process;
  process.dlopen = (module, ...options) => {
    dlopen.call(process, module, ...options);
    change(module.exports);
  };
}
