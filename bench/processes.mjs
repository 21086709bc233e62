// Starts what is measured, in a PID namespace that ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unshareArguments } from '../test/helpers/namespace.mjs';
import { childrenOf } from '../test/helpers/proc.mjs';
import { build, freshPath, helpers, root } from './files.mjs';

export const DEADLINE_MS = 60_000;
const POLL_MS = 5;

const home = resolve(build, 'home');
mkdirSync(home, { recursive: true });

/** The same for all candidates, whatever the shell has that starts the bench. */
export const environment = {
  PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
  HOME: home,
  // tini takes it for a mistake that it is not PID 1, unless it is told.
  TINI_SUBREAPER: '',
};

const running = new Set();
// unshare takes its namespace with it. The files that are in use there go after that.
process.prependOnceListener('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a command line. @returns what it writes, when it ended by process.hrtime(), and a way to end it */
export function start([file, ...args], env = environment) {
  // In a session of its own it has no terminal, and Ctrl-C reaches the bench alone.
  const child = spawn(file, args, { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = { pid: child.pid, output: '', log: '', ended: undefined };
  running.add(child);
  child.stdout.on('data', (data) => {
    started.output += data;
  });
  child.stderr.on('data', (data) => {
    started.log += data;
  });
  const hasEnded = () => {
    started.ended = process.hrtime.bigint();
    running.delete(child);
  };
  child.once('exit', hasEnded);
  started.closed = once(child, 'close').catch((error) => {
    started.log += error.message;
    hasEnded();
  });
  started.end = () => {
    child.kill('SIGKILL');
    return started.closed;
  };
  return started;
}

/**
 * Runs a line as PID 1, waits for its workload's result, and ends all of it after `use`.
 * @param makeLine  makes the line from the path that the workload writes its result to
 * @param use  gets the running unshare and the text of the result
 */
export async function asPid1(makeLine, use, { path = environment.PATH } = {}) {
  const out = freshPath();
  const init = start(['unshare', ...unshareArguments, ...makeLine(out)], { ...environment, PATH: path });
  try {
    const deadline = performance.now() + DEADLINE_MS;
    while (!existsSync(out)) {
      if (init.ended !== undefined && !existsSync(out))
        throw new Error(`it ended without a result. ${lastLine(init.log)}`);
      if (performance.now() > deadline)
        throw new Error(`no result within ${DEADLINE_MS} ms. ${lastLine(init.log)}`);
      await sleep(POLL_MS);
    }
    return await use(init, readFileSync(out, 'utf8'));
  } finally {
    await init.end();
  }
}

/** @returns the numbers of a workload's result, line by line */
export function rowsOf(makeLine) {
  return asPid1(makeLine, (_, text) => {
    const lines = text.split('\n').filter(Boolean);
    return lines.map((line) => line.split(' ').map(Number));
  });
}

/**
 * Runs a line below the launcher, which is PID 1 then.
 * @param makeLine  makes the line from the path of the FIFO that its workload may write its stamp to
 * @returns the milliseconds from the exec to the workload and to the end, each undefined if it did not come in its time
 */
export async function launch(makeLine, { workloadMs = 10_000, exitMs = 10_000 } = {}) {
  const fifo = freshPath();
  const line = [helpers.launch, fifo, `${workloadMs}`, `${exitMs}`, ...makeLine(fifo)];
  const launcher = start(['unshare', ...unshareArguments, ...line]);
  await launcher.closed;
  const [, toWorkload, toExit] = /^(-?\d+) (-?\d+)/.exec(launcher.output) ?? [];
  if (toExit === undefined) throw new Error(lastLine(launcher.log) || 'the launcher failed');
  if (toWorkload < 0 && toExit < 0) throw new Error(`it did nothing in ${workloadMs} ms`);
  const inMs = (ns) => (ns < 0 ? undefined : ns / 1e6);
  return { toWorkload: inMs(toWorkload), toExit: inMs(toExit) };
}

/** @returns the pid, as it is outside, of the PID 1 that this unshare started */
export function initPidOf({ pid }) {
  const [init] = childrenOf(pid);
  if (init === undefined) throw new Error('init is gone');
  return init.pid;
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
