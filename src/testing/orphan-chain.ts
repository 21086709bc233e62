import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import {
  aBoolean,
  anArray,
  aPid,
  aWholeNumber,
  checkArgument,
  milliseconds,
  readOptions,
} from '../arguments/check-arguments.ts';
import { now, setTimeout, sleep } from '../native/timers.ts';
import { hasEnded, isSameProcess, readProcess, requireProc } from '../process-tree/process-table.ts';
import { processTree } from './process-tree.ts';

const MOST_GENERATIONS = 10;
const MOST_PROCESSES = 1000;
const POLL_EVERY_MS = 2;

export interface OrphanChainOptions {
  /** The number of generations. All but the last one end at once. Default 1, at most 10. */
  readonly depth?: number;
  /** How many processes each process starts: the last generation has width ** depth, at most 1000. Default 1. */
  readonly width?: number;
  /** How long the last generation lives, in milliseconds, at most until this process ends. Default 10,000. */
  readonly lifeMs?: number;
  /** Ignore SIGTERM: only SIGKILL ends the last generation early. Default false. */
  readonly ignoreTerm?: boolean;
  /** Start each process in a new session, setsid(2). Default false. */
  readonly setsid?: boolean;
  /** The exit code of the last generation after `lifeMs`. Default 0. */
  readonly exitCode?: number;
}

export interface Orphan {
  readonly pid: number;
  /** 1 for the children of the first process, which has ended. Only the last generation still runs. */
  readonly generation: number;
}

/**
 * The processes that start others run node, which behaves the same in every image. A shell would also make its children
 * ignore SIGINT and SIGQUIT. None of them waits for its children, so these become orphans.
 */
const ancestorSource = `
const { spawn } = require('node:child_process');
const { writeSync } = require('node:fs');
const [source, generation, depth, width, setsid, ...last] = process.argv.slice(1);
const isLast = generation === depth;
for (let count = 0; count < Number(width); count++) {
  const [command, ...args] = isLast
    ? last
    : [process.execPath, '-e', source, source, String(Number(generation) + 1), depth, width, setsid, ...last];
  const child = spawn(command, args, {
    // 0: the lifeline, whose end ends the last generation. 3: reports each pid.
    stdio: [isLast ? 4 : 'ignore', 'ignore', 'ignore', 3, ...(isLast ? [] : [4])],
    detached: setsid === 'true',
  });
  child.unref();
  child.on('error', ({ message }) => writeSync(3, '! ' + message + '\\n'));
  if (child.pid !== undefined) writeSync(3, child.pid + ' ' + generation + '\\n');
}
`;

/**
 * What the last generation runs: a shell, of which a thousand cost little. It starts no process and no timer, and ends when
 * its standard input does. The second shell has no descriptor 3: the first may keep a copy of what it closes, as mksh does,
 * until it executes.
 */
function lastGeneration(ignoreTerm: boolean, exitCode: number): readonly string[] {
  const path = process.env['PATH'] ?? '/bin:/usr/bin';
  if (!path.split(':').some((folder) => existsSync(`${folder}/sh`)))
    return [process.execPath, '-e', lastSource, String(ignoreTerm), String(exitCode)];
  const trap = ignoreTerm ? `trap '' TERM; ` : '';
  return ['sh', '-c', `${trap}echo ready >&3; exec sh -c 'read -r _; exit ${exitCode}' 3>&-`];
}

/** The same where there is no shell. */
const lastSource = `
const [ignoreTerm, exitCode] = process.argv.slice(1);
if (ignoreTerm === 'true') process.on('SIGTERM', () => {});
const { closeSync, writeSync } = require('node:fs');
writeSync(3, 'ready\\n');
closeSync(3);
process.stdin.resume().on('end', () => process.exit(Number(exitCode)));
`;

/**
 * Builds real orphans: starts a process that starts `width` others, which do the same, `depth` generations deep. All but
 * the last generation end. When the promise resolves, the orphans have been adopted: by this process if it is a
 * subreaper, see `register` and `trackProcesses`.
 * @returns every started process, ordered by generation
 * @throws TypeError for an unknown option, or a value that is not allowed
 * @throws Error if a process could not be started
 * @throws Error ERR_NO_PROC, as `descendants`
 */
export async function orphanChain(options?: OrphanChainOptions): Promise<Orphan[]> {
  const {
    depth = 1,
    width = 1,
    lifeMs = 10_000,
    ignoreTerm = false,
    setsid = false,
    exitCode = 0,
  } = readOptions('orphanChain', options, {
    depth: aWholeNumber(1, MOST_GENERATIONS),
    width: aWholeNumber(1, MOST_PROCESSES),
    lifeMs: milliseconds,
    ignoreTerm: aBoolean,
    setsid: aBoolean,
    exitCode: aWholeNumber(0, 255),
  });
  requireProc('orphanChain');
  const last = width ** depth;
  if (last > MOST_PROCESSES) {
    throw new TypeError(
      `orphanChain: width ${width} and depth ${depth} make ${last} processes; the most is ${MOST_PROCESSES}`,
    );
  }

  const command = lastGeneration(ignoreTerm, exitCode);
  const args = [ancestorSource, '1', String(depth), String(width), String(setsid), ...command];
  // Without NODE_OPTIONS: a test runner's preloads are for the test only.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const first = spawn(process.execPath, ['-e', ancestorSource, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    env,
  });
  const exit = once(first, 'exit');
  // With EMFILE there are no streams, and an 'error' event follows.
  if (first.stdio === undefined) await exit;
  const [, , , report, lifeline] = first.stdio as unknown as [null, null, null, Readable, Writable];
  // The lifeline must not keep this process running. It closes when this process ends.
  (lifeline as Writable & { unref(): void }).unref();
  lifeline.on('error', () => {});

  const [lines] = await Promise.all([readLines(report), exit]);
  const failure = lines.find((line) => line.startsWith('! '));
  const orphans = lines
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [pid, generation] = line.split(' ').map(Number);
      return { pid, generation } as Orphan;
    })
    .sort((one, other) => one.generation - other.generation);
  const ready = lines.filter((line) => line === 'ready').length;
  if (failure !== undefined || ready < last) {
    lifeline.destroy();
    throw new Error(`orphanChain: ${failure?.slice(2) ?? `only ${ready} of ${last} processes started`}`);
  }
  // The report ends shortly before its last writer does.
  for (const { pid, generation } of orphans) {
    if (generation < depth) while (isRunning(pid)) await sleep(POLL_EVERY_MS);
  }
  setTimeout(() => lifeline.destroy(), lifeMs).unref();
  return orphans;
}

export interface WaitForOrphansOptions {
  /** How long to wait, in milliseconds. Default 30,000: longer than an orphan lives unless you say otherwise. */
  readonly timeoutMs?: number;
}

/**
 * Waits until the orphans have ended and have been reaped: none is left, and none is a zombie. A process that reuses one
 * of their pids from now on does not count.
 * @param orphans what `orphanChain` resolved with
 * @throws Error after the timeout, with those that are left and their state
 * @throws Error ERR_NO_PROC, as `descendants`
 * @throws TypeError for an invalid argument or option
 */
export async function waitForOrphans(
  orphans: readonly Orphan[],
  options?: WaitForOrphansOptions,
): Promise<void> {
  checkArgument('waitForOrphans', 'orphans', orphans, anArray);
  const pids = orphans.map((orphan) => orphan?.pid);
  for (const pid of pids) checkArgument('waitForOrphans', 'pid', pid, aPid);
  const { timeoutMs = 30_000 } = readOptions('waitForOrphans', options, { timeoutMs: milliseconds });
  requireProc('waitForOrphans');
  const end = now() + timeoutMs;
  let left = pids.map(readProcess).filter((info) => info !== undefined);
  while (left.length > 0) {
    if (now() > end) {
      const trees = left.map(({ pid }) => processTree(pid)).join('\n');
      throw new Error(
        `waitForOrphans: ${left.length} of ${pids.length} are left after ${timeoutMs} ms\n${trees}`,
      );
    }
    await sleep(POLL_EVERY_MS);
    left = left.filter((info) => isSameProcess(readProcess(info.pid), info));
  }
}

function isRunning(pid: number): boolean {
  const info = readProcess(pid);
  return info !== undefined && !hasEnded(info);
}

/** @returns the lines, once every writer has closed the pipe */
async function readLines(stream: Readable): Promise<string[]> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text.split('\n').filter(Boolean);
}
