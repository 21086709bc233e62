// Reads processes from /proc, for the tests, the benchmarks and the examples. In JavaScript, because node 20 runs the
// last two without a build.
import { readdirSync, readFileSync } from 'node:fs';
import { slowness } from './slowness.mjs';

/**
 * A process as /proc/pid/stat shows it: proc_pid_stat(5).
 * @typedef {object} ProcessStat
 * @property {number} pid
 * @property {string} name
 * @property {string} state  R, S, D, T (stopped), Z (zombie), …
 * @property {number} parent
 * @property {number} group
 * @property {number} session
 * @property {number} foreground  the foreground process group of its terminal, -1 without one
 * @property {number} startTime  in clock ticks from boot. Pids are reused: pid and start time together identify a process
 */

/**
 * @param {number} pid  of a process or thread
 * @param {string} name  of a file in /proc/pid: proc(5)
 * @returns {string} its text; empty once the process is gone
 */
export function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {number} pid
 * @returns {ProcessStat | undefined} undefined once the process is gone
 */
export function processStat(pid) {
  const text = procFile(pid, 'stat');
  if (text === '') return undefined;
  // The name may contain parentheses and spaces. It ends at the last parenthesis.
  const nameEnd = text.lastIndexOf(')');
  const name = text.slice(text.indexOf('(') + 1, nameEnd);
  const [state, ...numbers] = text.slice(nameEnd + 2).split(' ');
  const [parent, group, session, , foreground] = numbers.map(Number);
  return { pid, name, state, parent, group, session, foreground, startTime: Number(numbers[18]) };
}

/**
 * @param {number} pid
 * @returns {boolean} whether it is gone or a zombie (there are no zombies if the kernel reaps)
 */
export function hasEnded(pid) {
  const stat = processStat(pid);
  // X: its parent does not wait for it, and the kernel is about to forget it.
  return stat === undefined || stat.state === 'Z' || stat.state === 'X';
}

/**
 * @param {number} pid
 * @param {string} field
 * @param {string} file  of the same format as status
 * @returns {string} the value of a field; empty once the process is gone
 */
export function statusField(pid, field, file = 'status') {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(procFile(pid, file))?.[1] ?? '';
}

/**
 * @param {number} pid
 * @returns {number[]} the ids of its threads; none once the process is gone
 */
export function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** @returns {ProcessStat[]} all processes of this PID namespace and of those below it */
export function allProcesses() {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => processStat(Number(entry)))
    .filter((stat) => stat !== undefined);
}

/**
 * @param {number} pid
 * @returns {ProcessStat[]}
 */
export function childrenOf(pid) {
  return allProcesses().filter(({ parent }) => parent === pid);
}

/**
 * @param {...number} pids
 * @returns {ProcessStat[]} all processes below them, each after its parent
 */
export function descendantsOf(...pids) {
  const byParent = new Map();
  for (const stat of allProcesses()) {
    if (!byParent.has(stat.parent)) byParent.set(stat.parent, []);
    byParent.get(stat.parent).push(stat);
  }
  const below = (parent) => (byParent.get(parent) ?? []).flatMap((stat) => [stat, ...below(stat.pid)]);
  return pids.flatMap(below);
}

/**
 * @param {number} pid
 * @returns {ProcessStat[]}
 */
export function zombiesOf(pid) {
  return childrenOf(pid).filter(({ state }) => state === 'Z');
}

/**
 * @param {string} marker
 * @returns {ProcessStat[]} running processes that started with this text in their environment
 */
export function runningWith(marker) {
  return allProcesses().filter(
    ({ pid, state }) => state !== 'Z' && procFile(pid, 'environ').includes(marker),
  );
}

/**
 * kill(2), where the process may have ended meanwhile.
 * @param {number} pid
 * @param {NodeJS.Signals | number} signal
 * @returns {boolean} false if it was gone
 */
export function signalIfThere(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return false;
    throw error;
  }
}

/** How long `until` waits by default. Tests on an emulated machine set another. */
const UNTIL_DEADLINE_MS = Number(process.env['UNTIL_DEADLINE_MS'] ?? 120_000);

/**
 * Polls until a read returns a value, for states that the kernel reports no event of.
 * @template Value
 * @param {() => Value | undefined | false | null | Promise<Value | undefined | false | null>} read
 * @param {string} what
 * @param {number} deadlineMs  on an idle machine
 * @param {number} pauseMs  between two reads
 * @returns {Promise<Value>}
 * @throws after the deadline
 */
export async function until(read, what, deadlineMs = UNTIL_DEADLINE_MS, pauseMs = 2) {
  const start = performance.now();
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false && value !== null) return value;
    const waitedMs = performance.now() - start;
    if (waitedMs > deadlineMs && waitedMs > deadlineMs * slowness()) {
      throw new Error(`not within ${Math.round(waitedMs)} ms: ${what}`);
    }
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
}
