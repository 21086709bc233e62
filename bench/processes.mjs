// Starts what is measured, in a PID namespace that ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unshareArguments } from '../test/helpers/namespace.mjs';
import { childrenOf, until } from '../test/helpers/proc.mjs';
import { build, freshPath, helpers, root } from './files.mjs';
import { splitProcesses } from './observe.mjs';

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
export function start([file, ...args]) {
  // In a session of its own it has no terminal, and Ctrl-C reaches the bench alone.
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(file, args, { cwd: root, env: environment, detached: true, stdio });
  const started = { pid: child.pid, output: '', log: '', endedAt: undefined };
  running.add(child);
  child.stdout.on('data', (data) => {
    started.output += data;
  });
  child.stderr.on('data', (data) => {
    started.log += data;
  });
  const hasEnded = () => {
    started.endedAt = Number(process.hrtime.bigint());
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
export async function asPid1(makeLine, use) {
  const out = freshPath();
  const unshare = start(['unshare', ...unshareArguments, ...makeLine(out)]);
  try {
    const hasAny = () => existsSync(out) || unshare.endedAt !== undefined;
    await until(hasAny, 'a result', DEADLINE_MS, POLL_MS);
    if (!existsSync(out)) throw new Error(`it ended without a result. ${lastLine(unshare.log)}`);
    return await use(unshare, readFileSync(out, 'utf8'));
  } finally {
    await unshare.end();
  }
}

/** Runs a helper below an init that is PID 1. @returns the numbers of its result, line by line */
export function rowsOf(line, helper, ...args) {
  return asPid1(
    (out) => line([helpers[helper], out, ...args.map(String)]),
    (_, text) => {
      if (text === '') throw new Error('there was nothing to measure');
      const rows = text.trimEnd().split('\n');
      return rows.map((row) => row.split(' ').map(Number));
    },
  );
}

/** Runs a line as PID 1 until it has nothing to do. @param look  gets the pid of PID 1, those of init and the workload's */
export function whenIdle(makeLine, settleMs, look) {
  return asPid1(makeLine, async (unshare) => {
    await sleep(settleMs);
    const pid = initPidOf(unshare);
    return look({ pid, ...splitProcesses(pid) });
  });
}

/**
 * Runs a line below the launcher, which is PID 1 then.
 * @param makeLine  makes the line from the path of the file that its workload may write its stamp to
 * @returns the milliseconds from the exec to the workload and to the end, each undefined if it did not come in its time
 */
export async function launch(makeLine, limitMs = 10_000) {
  const stamp = freshPath();
  // The workload only opens it: making a file would add to the time.
  writeFileSync(stamp, '');
  const launcher = start(['unshare', ...unshareArguments, ...launchLine(limitMs, makeLine(stamp))]);
  await launcher.closed;
  if (launcher.output === '') throw new Error(lastLine(launcher.log) || 'the launcher failed');
  const [startedAt, endedAt] = launcher.output.split(' ').map(Number);
  const workloadAt = Number(readFileSync(stamp, 'utf8')) || -1;
  if (workloadAt < 0 && endedAt < 0) throw new Error(`it did nothing in ${limitMs} ms`);
  const msTo = (time) => (time < 0 ? undefined : (time - startedAt) / 1e6);
  return { toWorkload: msTo(workloadAt), toExit: msTo(endedAt) };
}

/** The line that takes the times of a line, and is PID 1 instead of it. */
export function launchLine(limitMs, line) {
  return [helpers.launch, `${limitMs}`, ...line];
}

/** @returns when what this launcher started has ended, by process.hrtime() */
export async function endBelow(launcher) {
  await launcher.closed;
  const endedAt = Number(launcher.output.split(' ')[1] ?? -1);
  if (endedAt < 0) throw new Error(`it has not ended within ${DEADLINE_MS} ms`);
  return endedAt;
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
