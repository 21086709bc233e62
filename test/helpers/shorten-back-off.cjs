// Loaded into init before its program (node --require): the waits between restarts, 200 ms to 10 s, take 1 ms.
const timers = require('node:timers');

const waits = [200, 400, 800, 1600, 3200, 6400, 10_000];
const { setTimeout } = timers;
timers.setTimeout = (callBack, ms, ...args) => setTimeout(callBack, waits.includes(ms) ? 1 : ms, ...args);
globalThis.setTimeout = timers.setTimeout;
