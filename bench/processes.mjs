// Starts what is measured, each in a PID namespace of its own that ends with it, and looks at it in /proc.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, freshPath, root } from './paths.mjs';

const POLL_MS = 5;

const namespace = [
  ...(process.getuid() === 0 ? [] : ['--user', '--map-root-user']),
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
];

const home = resolve(build, 'home');
mkdirSync(home, { recursive: true });

/** The same for all of them, whatever the shell has that the bench is started from. */
export const environment = {
  PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
  HOME: home,
  // As a plain subreaper tini is told apart from a mistake by this.
  TINI_SUBREAPER: '',
};

const running = new Set();
// The end of unshare is that of its namespace. Before the files go that are in use there.
process.prependOnceListener('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @returns why no PID namespace can be made, or undefined if one can */
export function namespaceObstacle() {
  const { error, status, stderr } = spawnSync('unshare', [...namespace, 'true'], { encoding: 'utf8' });
  if (error) return `unshare cannot be started: ${error.code}`;
  return status === 0 ? undefined : stderr.trim();
}

/** Starts the line as PID 1. In a session of its own no terminal is at stake, and Ctrl-C reaches the bench alone. */
export function startAsPid1(line, { path = environment.PATH } = {}) {
  return start(['unshare', ...namespace, ...line], { ...environment, PATH: path });
}

export function start([file, ...args], env = environment) {
  const child = spawn(file, args, { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const process = { pid: child.pid, output: '', log: '', ended: undefined, closed: undefined, end };
  running.add(child);
  child.stdout.on('data', (data) => {
    process.output += data;
  });
  child.stderr.on('data', (data) => {
    process.log += data;
  });
  child.once('exit', () => {
    process.ended = globalThis.process.hrtime.bigint();
    running.delete(child);
  });
  process.closed = new Promise((done) => {
    child.once('close', done);
    child.once('error', (error) => {
      running.delete(child);
      process.log += error.message;
      done();
    });
  });
  function end() {
    child.kill('SIGKILL');
    return process.closed;
  }
  return process;
}

/** Runs the candidate as PID 1 with a helper that writes a result. @returns the text of it */
export async function resultOf(line, out, { deadlineMs = 60_000 } = {}) {
  const init = startAsPid1(line);
  try {
    return await waitForResult(init, out, deadlineMs);
  } finally {
    await init.end();
    rmSync(out, { force: true });
    rmSync(`${out}.part`, { force: true });
  }
}

export async function waitForResult(init, out, deadlineMs = 20_000) {
  const deadline = performance.now() + deadlineMs;
  while (!existsSync(out)) {
    const isOver = init.ended !== undefined && !existsSync(out);
    if (isOver) throw new Error(`it ended without a result. ${lastLine(init.log)}`);
    if (performance.now() > deadline)
      throw new Error(`no result within ${deadlineMs} ms. ${lastLine(init.log)}`);
    await sleep(POLL_MS);
  }
  return readFileSync(out, 'utf8');
}

/**
 * Runs a line below the launcher, which is PID 1 then: all that the line leaves ends with it.
 * @param makeLine  makes the line from the path of the FIFO that its workload may write its stamp to
 * @returns the milliseconds from the exec to the workload and to the end, each undefined if it did not come in its time
 */
export async function launch(helpers, makeLine, { workloadMs = 10_000, exitMs = 10_000 } = {}) {
  const fifo = freshPath('fifo');
  const launcher = startAsPid1([helpers.launch, fifo, `${workloadMs}`, `${exitMs}`, ...makeLine(fifo)]);
  await launcher.closed;
  rmSync(fifo, { force: true });
  if (!/^-?\d+ -?\d+\n/.test(launcher.output))
    throw new Error(lastLine(launcher.log) || 'the launcher failed');
  const [toWorkload, toExit] = launcher.output
    .split(' ')
    .map((text) => (Number(text) < 0 ? undefined : Number(text) / 1e6));
  if (toWorkload === undefined && toExit === undefined) throw new Error(`it did nothing in ${workloadMs} ms`);
  return { toWorkload, toExit };
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}

/** From proc_pid_stat(5): every process, by pid. */
export function readProcessTable() {
  const table = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      table.set(Number(entry), { pid: Number(entry), name, state: fields[0], ppid: Number(fields[1]) });
    } catch {
      // Gone since the directory was read.
    }
  }
  return table;
}

export function childrenOf(pid, table = readProcessTable()) {
  return [...table.values()].filter(({ ppid }) => ppid === pid);
}

/** @returns the pid, as it is outside, of the PID 1 that this unshare started */
export function initPidOf({ pid }) {
  const [init] = childrenOf(pid);
  if (init === undefined) throw new Error('init is gone');
  return init.pid;
}

/** What /proc says about all threads of a process: counts that only grow. */
export function readActivity(pid) {
  const activity = { threads: 0, wakeUps: 0, cpuMs: 0 };
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1');
    const schedule = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1');
    activity.threads++;
    activity.wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
    activity.cpuMs += Number(schedule.split(' ')[0]) / 1e6;
  }
  return activity;
}

/** From /proc/PID/smaps_rollup, in MiB: Pss has each page divided by the number of processes that map it. */
export function readMemory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const mib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024;
  const [resident, proportional, anonymous] = [mib('Rss'), mib('Pss'), mib('Anonymous')];
  return { resident, proportional, anonymous, file: resident - anonymous };
}

/**
 * The workload is what was started by its whole path, and inits start node by its name: all else is init's.
 * @returns pids of the namespace, those of init and those of the workload
 */
export function splitProcesses(initPid, program) {
  const table = readProcessTable();
  const pids = [initPid];
  for (const pid of pids) pids.push(...childrenOf(pid, table).map((child) => child.pid));
  const isWorkload = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] === program;
  return { init: pids.filter((pid) => !isWorkload(pid)), workload: pids.filter(isWorkload) };
}

/** @returns what several objects of numbers are together */
export function sum(list) {
  const total = {};
  for (const item of list) {
    for (const [key, value] of Object.entries(item)) total[key] = (total[key] ?? 0) + value;
  }
  return total;
}
