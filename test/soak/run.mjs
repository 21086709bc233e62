import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, descendantsOf, processStat, statusField } from '../helpers/proc.mjs';
import { commandLine, generationsTo } from './command-line.mjs';
import { describeProcess } from './describe-process.mjs';
import { actor } from './paths.mjs';

const POLL_EVERY_MS = 2;
/** A run fails if init logs a record of this level or above, whatever its status. */
const ERROR_LEVEL = 50;

/**
 * What a scenario decides for one run.
 * @typedef {object} Plan
 * @property {Record<string, unknown>} [choices]  the random choices, for the story of a failure
 * @property {string[]} [launch]  the command that starts init
 * @property {string[]} [options]  init's
 * @property {string[]} command  the workload
 * @property {number | number[]} expected  the right exit status, or several
 * @property {number} [lifeS]  how much longer than other runs it may take on an idle machine
 * @property {(line: string) => void} [onLine]  gets the lines of standard output, which are not kept then
 * @property {(init: Init) => Promise<void>} [drive]  acts on init from outside
 * @property {(seen: { lines: string[], endedAt: number }) => (string | false)[]} [check]  finds what else is wrong
 * @property {() => string} [note]  what is worth telling of a run that went well
 */

/**
 * Runs init once, as planned. At the deadline it kills unshare(1), and so all that is left.
 * @param {{ mode: string, plan: Plan, settings: object }} about
 * @returns {Promise<{ ms: number, wrong: string[], isUnanswered: boolean, story: string[] }>}
 */
export async function run({ mode, plan, settings }) {
  const { hasRoom, path } = settings;
  const { launch, options = [], command, lifeS = 0 } = plan;
  // A busy machine may take ten times as long.
  const deadlineMs = settings.deadlineMs + 10_000 * lifeS;
  const leashS = Math.ceil(deadlineMs / 1000) + 5;
  const [file, ...args] = commandLine({ mode, launch, options, command, hasRoom, leashS });
  const { SUBREAPER_OPTIONS: _, ...env } = process.env;
  const startedAt = performance.now();
  // In another session Ctrl-C does not reach it.
  const child = spawn(file, args, { detached: true, stdio: 'pipe', env: { ...env, PATH: path } });
  settings.running.add(child);
  const seen = watch(child, startedAt, plan.onLine);
  const init = createInit({ child, mode, seen, leashS });

  let state;
  const timer = setTimeout(() => {
    state = describeProcess(init.pid() ?? child.pid);
    child.kill('SIGKILL');
  }, deadlineMs);
  let driveError;
  const driving = plan.drive?.(init).catch((error) => {
    driveError = error.message;
  });
  await seen.closed;
  clearTimeout(timer);
  settings.running.delete(child);
  await driving;

  const isUnanswered = state !== undefined;
  const wrong = [
    isUnanswered && `no answer within ${deadlineMs / 1000} s`,
    !isUnanswered && ![plan.expected].flat().includes(seen.status) && `it ended with ${seen.status}`,
    driveError,
    ...seen.errors.filter((line) => line.startsWith('left behind: ')),
    ...seen.errors.filter((line) => levelOf(line) >= ERROR_LEVEL).map((line) => `init logged ${line}`),
    ...(isUnanswered ? [] : (plan.check?.(seen) ?? [])),
  ].filter(Boolean);
  const story = wrong.length === 0 ? [] : tell({ mode, plan, wrong, seen, state, line: [file, ...args] });
  return { ms: seen.ms, wrong, isUnanswered, story };
}

function watch(child, startedAt, onLine) {
  const seen = {
    lines: [],
    errors: [],
    status: undefined,
    ms: 0,
    endedAt: undefined,
    hasEnded: false,
    closed: undefined,
  };
  createInterface({ input: child.stdout }).on('line', onLine ?? ((line) => seen.lines.push(line)));
  createInterface({ input: child.stderr }).on('line', (line) => seen.errors.push(line));
  // A workload that has ended does not read.
  child.stdin.on('error', () => {});
  const end = (status) => {
    seen.endedAt = performance.now();
    seen.ms = seen.endedAt - startedAt;
    seen.status = status;
    seen.hasEnded = true;
  };
  child.once('exit', (code, signal) => end(code ?? signal));
  child.once('error', ({ code }) => end(code));
  // A process that could not be started emits no close event.
  seen.closed = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  return seen;
}

/** @typedef {ReturnType<typeof createInit>} Init */
function createInit({ child, mode, seen, leashS }) {
  let known;
  /** Undefined until it is forked. */
  function pid() {
    if (known !== undefined) return known;
    let found = child.pid;
    for (let below = generationsTo(mode); below > 0 && found !== undefined; below--)
      found = childrenOf(found)[0]?.pid;
    known = found;
    return known;
  }

  /** Waits until a read returns a value. @throws if init ends before */
  async function until(read, what) {
    for (;;) {
      const value = read();
      if (value !== undefined && value !== false) return value;
      if (seen.hasEnded) throw new Error(`it ended before this was so: ${what}`);
      await sleep(POLL_EVERY_MS);
    }
  }

  const line = (text) =>
    until(() => seen.lines.find((each) => each.startsWith(text)), `"${text}" is printed`);

  return {
    pid,
    until,
    /** Waits for a line of the workload that starts with this text. */
    line,
    countLines: (text) => seen.lines.filter((each) => each.startsWith(text)).length,
    write: (text) => child.stdin.write(text),
    /** Sends signals to init, which may end on an earlier one. */
    signal(...signals) {
      for (const signal of signals) send(pid(), signal);
    },
    async stop() {
      send(pid(), 'SIGSTOP');
      await until(() => processStat(pid())?.state === 'T', 'init is stopped');
    },
    /** Sends so many signals to init, of the kinds in turn. */
    async flood(kinds, count) {
      const args = ['leash', `${leashS}`, actor, 'flood-pid', `${pid()}`, kinds.join(), `${count}`];
      const flood = spawn(actor, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      const status = await new Promise((resolve) => flood.once('close', resolve).once('error', resolve));
      if (status !== 0 && !seen.hasEnded) throw new Error(`the flood ended with ${status}`);
    },
    /** The child of init that has this pid in its namespace: its pid as the soak sees it. */
    childWith: (inner) =>
      until(
        () => childrenOf(pid()).find((each) => innermostPid(each.pid) === inner)?.pid,
        `init has a child ${inner}`,
      ),
    countDescendants: () => descendantsOf(pid()).length,
  };
}

/** The pid of a process in its innermost namespace. */
function innermostPid(pid) {
  return Number(statusField(pid, 'NSpid').split('\t').at(-1));
}

/** Sends a signal to a process that may have ended. */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function levelOf(line) {
  try {
    return line.startsWith('{') ? JSON.parse(line).level : 0;
  } catch {
    return 0;
  }
}

const SHOWN_LINES = 15;

function tell({ mode, plan, wrong, seen, state, line }) {
  const last = (lines) => [
    ...(lines.length > SHOWN_LINES ? [`(${lines.length - SHOWN_LINES} lines before)`] : []),
    ...lines.slice(-SHOWN_LINES),
  ];
  const part = (title, lines) =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.map((each) => `  ${each}`)];
  return [
    ...part('wrong', wrong),
    `mode: ${mode}`,
    `choices: ${JSON.stringify(plan.choices ?? {})}`,
    `command line: ${line.map(quoted).join(' ')}`,
    `expected: status ${[plan.expected].flat().join(' or ')}`,
    `seen: ${state ? 'no end' : `status ${seen.status}`} after ${Math.round(seen.ms)} ms`,
    ...part('standard output', last(seen.lines)),
    ...part('standard error', last(seen.errors)),
    ...part('init in /proc, at the deadline', state ?? []),
  ];
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
