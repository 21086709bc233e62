// Starts what is measured, in a PID namespace that ends with it.
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startInNamespace } from '../test/helpers/namespace.mjs';
import { childrenOf, descendantsOf, hasEnded, until } from '../test/helpers/proc.mjs';
import { build, freshPath, helpers, root } from './files.mjs';

export const DEADLINE_MS = 60_000;
const POLL_MS = 5;

const HOME = resolve(build, 'home');
mkdirSync(HOME, { recursive: true });
export const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
/**
 * All that a candidate has in its environment. Other variables cost some more than others: NODE_EXTRA_CA_CERTS adds
 * 45 ms to the start of node, and init does not load it. tini takes it for a mistake that it is not PID 1, unless told.
 */
const env = { PATH, HOME, TINI_SUBREAPER: '' };

/**
 * Runs a line as PID 1, and ends all of it after `use`.
 * @param makeLine  makes the line from the path that the workload writes its result to
 * @param use  gets this path, initPid(), and result(), which waits for the text of the result
 */
export async function asPid1(makeLine, use) {
  const out = freshPath();
  const unshare = startInNamespace(makeLine(out), { cwd: root, env });
  const closed = once(unshare, 'close');
  unshare.stdout.resume();
  let log = '';
  unshare.stderr.on('data', (data) => {
    log += data;
  });
  async function result() {
    await until(() => existsSync(out) || hasEnded(unshare.pid), 'a result', DEADLINE_MS, POLL_MS);
    if (existsSync(out)) return readFileSync(out, 'utf8');
    throw new Error(`it ended without a result. ${lastLine(log)}`);
  }
  try {
    return await use({ out, result, initPid: () => childrenOf(unshare.pid)[0].pid });
  } finally {
    unshare.kill('SIGKILL');
    await closed;
  }
}

/** Runs a helper below an init that is PID 1. @returns the numbers of its result, line by line */
export function rowsOf(line, helper, ...args) {
  return asPid1(
    (out) => line([helpers[helper], out, ...args.map(String)]),
    async ({ result }) => parseRows(await result()),
  );
}

export function parseRows(text) {
  const rows = text.trimEnd().split('\n');
  return rows.map((row) => row.split(' ').map(Number.parseFloat));
}

/**
 * Runs a line as PID 1 until it has nothing to do.
 * @param look  gets the pids of init, which may be several processes, and of its workload, the last of the chain
 */
export function whenIdle(makeLine, settleMs, look) {
  return asPid1(makeLine, async ({ result, initPid }) => {
    await result();
    await sleep(settleMs);
    const init = [{ pid: initPid() }, ...descendantsOf(initPid())].map(({ pid }) => pid);
    return look({ workload: init.pop(), init });
  });
}

/**
 * Runs a line below the launcher, which is PID 1 then.
 * @param makeLine  makes the line from the path of the file that its workload may write the clock to
 * @param before  what runs the launcher
 * @param meanwhile  gets the path, and a function for the launcher's pid
 * @returns milliseconds, NaN for what did not happen in time
 */
export function launch(makeLine, { limitMs = DEADLINE_MS, before = [], meanwhile = () => {} } = {}) {
  const stamp = freshPath();
  // The workload only opens it: making a file would add to the time.
  writeFileSync(stamp, '');
  return asPid1(
    (out) => [...before, helpers.launch, out, `${limitMs}`, ...makeLine(stamp)],
    async ({ result, initPid }) => {
      await meanwhile(stamp, initPid);
      const [[startedAt, endedAt, cpuMs]] = parseRows(await result());
      const [[workloadAt]] = parseRows(readFileSync(stamp, 'utf8'));
      const [toWorkload, toExit] = [workloadAt - startedAt, endedAt - startedAt];
      if (Number.isNaN(toWorkload) && Number.isNaN(toExit))
        throw new Error(`it did nothing in ${limitMs} ms`);
      return { toWorkload, toExit, fromWorkloadToExit: endedAt - workloadAt, endedAt, cpuMs };
    },
  );
}

export function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
