import { readdirSync, readFileSync } from 'node:fs';

/** The empty string once the process is gone. */
function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function field(status, name) {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
}

function threads(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

export function children(pid) {
  return threads(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** R, S, D, T (stopped), Z (zombie); undefined once the process is gone. */
export function state(pid) {
  return field(read(`/proc/${pid}/status`), 'State')?.[0];
}

/** The pid in the innermost namespace that the process belongs to. */
export function innermostPid(pid) {
  return Number(
    field(read(`/proc/${pid}/status`), 'NSpid')
      ?.split('\t')
      .at(-1),
  );
}

export function countDescendants(pid) {
  return children(pid).reduce((sum, child) => sum + 1 + countDescendants(child), 0);
}

/** Sends a signal to a process that may have ended. */
export function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const SHOWN_CHILDREN = 20;

/** What /proc tells about a process that hangs, as lines: proc(5). */
export function describeProcess(pid) {
  const status = read(`/proc/${pid}/status`);
  if (status === '') return [`process ${pid} is gone`];
  const below = children(pid);
  return [
    ...['State', 'NSpid', 'Threads', 'SigQ', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt'].map(
      (name) => `${name.padEnd(8)} ${name === 'State' ? field(status, name) : readable(name, status)}`,
    ),
    ...threads(pid).map((thread) => {
      const own = read(`/proc/${pid}/task/${thread}/status`);
      const waits = read(`/proc/${pid}/task/${thread}/wchan`);
      return `thread   ${thread} ${field(own, 'Name')}, ${field(own, 'State')}, wchan ${waits}, SigPnd ${readable('SigPnd', own)}`;
    }),
    `children ${below.length === 0 ? 'none' : below.length}`,
    ...below.slice(0, SHOWN_CHILDREN).map((child) => `         ${describeChild(child)}`),
    ...(below.length > SHOWN_CHILDREN ? [`         and ${below.length - SHOWN_CHILDREN} more`] : []),
  ];
}

function describeChild(pid) {
  const status = read(`/proc/${pid}/status`);
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  return `${pid} ${field(status, 'Name')}, ${field(status, 'State')}, SigIgn ${readable('SigIgn', status)}: ${command}`;
}

/** Sets of signals as their numbers, what else there is as it stands there. */
function readable(name, status) {
  const value = field(status, name) ?? '?';
  if (!/^(Sig(Pnd|Blk|Ign|Cgt)|ShdPnd)$/.test(name) || value === '?') return value;
  const mask = BigInt(`0x${value}`);
  const numbers = Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (number) => (mask >> BigInt(number - 1)) & 1n,
  );
  return ranges(numbers) || 'none';
}

/** 1-3,10,34-64 */
function ranges(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(',');
}
