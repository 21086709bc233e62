// Starts what is measured, in a PID namespace that ends with it.
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startInNamespace } from '../test/helpers/namespace.mjs';
import { descendantsOf, hasEnded, until } from '../test/helpers/proc.mjs';
import { build, freshPath, helpers, root } from './files.mjs';

const DEADLINE_MS = 60_000;
export const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
/**
 * All that a candidate has in its environment. Other variables cost some more than others: NODE_EXTRA_CA_CERTS adds
 * 45 ms to the start of node, and init does not load it. tini takes it for a mistake that it is not PID 1, unless told.
 */
const env = { HOME: build, TINI_SUBREAPER: '' };

/** In a command: the path of the file that it writes numbers to. */
export const OUT = Symbol('OUT');

function lineOf({ init, line = (words) => [...init, ...words] }, command, out) {
  return line(command.map((word) => (word === OUT ? out : `${word}`)));
}

/**
 * Runs a candidate with a command as PID 1, and ends all of it after `use`. This gets the path out; pids(), of all that
 * runs, PID 1 first; and result(), which waits for the numbers that the command writes, line by line.
 */
export async function asPid1(candidate, command, use = ({ result }) => result()) {
  const out = freshPath();
  const { cwd = root, path = PATH } = candidate;
  const unshare = startInNamespace(lineOf(candidate, command, out), { cwd, env: { ...env, PATH: path } });
  const closed = once(unshare, 'close');
  unshare.stdout.resume();
  const log = text(unshare.stderr);
  async function result() {
    await until(() => existsSync(out) || hasEnded(unshare.pid), 'a result', DEADLINE_MS, 5);
    if (existsSync(out)) return readNumbers(out);
    throw new Error(`it ended without a result. ${(await log).trim().split('\n').at(-1)}`);
  }
  try {
    return await use({ out, result, pids: () => descendantsOf(unshare.pid).map(({ pid }) => pid) });
  } finally {
    unshare.kill('SIGKILL');
    await closed;
  }
}

function readNumbers(path) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split(' ').map(Number.parseFloat));
}

/** Runs a candidate until it is idle. `look` gets the pids of init, and of its workload, the last of the chain. */
export function whenIdle(candidate, command, settleMs, look) {
  return asPid1(candidate, command, async ({ result, pids }) => {
    await result();
    await sleep(settleMs);
    const init = pids();
    return look({ workload: init.pop(), init });
  });
}

/**
 * Runs a candidate below the launcher, which is PID 1 then. before: what runs the launcher. behind: what it runs, and
 * what runs the candidate. meanwhile: gets the path that the command may write the clock to, and pids().
 * @returns milliseconds, NaN for what did not happen in time
 */
export function launch(candidate, command, { before = [], behind = [], meanwhile = () => {} } = {}) {
  const { limitMs = DEADLINE_MS } = candidate;
  const stamp = freshPath();
  // The workload only opens it: making a file would add to the time.
  writeFileSync(stamp, '');
  const line = (words) => [...before, ...words, ...behind, ...lineOf(candidate, command, stamp)];
  return asPid1({ ...candidate, line }, [helpers.launch, OUT, limitMs], async ({ result, pids }) => {
    await meanwhile(stamp, pids);
    const [[startedAt, endedAt, cpuMs]] = await result();
    const [[workloadAt]] = readNumbers(stamp);
    const [toWorkload, toExit] = [workloadAt - startedAt, endedAt - startedAt];
    if (Number.isNaN(toWorkload) && Number.isNaN(toExit)) throw new Error(`it did nothing in ${limitMs} ms`);
    return { toWorkload, toExit, fromWorkloadToExit: endedAt - workloadAt, endedAt, cpuMs };
  });
}
