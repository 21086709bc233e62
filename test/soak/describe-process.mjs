import { childrenOf, procFile, statusField, threadsOf } from '../helpers/proc.mjs';

const SHOWN_CHILDREN = 20;

/** Describes a process that hangs, from /proc: proc(5). */
export function describeProcess(pid) {
  if (procFile(pid, 'status') === '') return [`process ${pid} is gone`];
  const children = childrenOf(pid);
  return [
    ...['State', 'NSpid', 'Threads', 'SigQ'].map((name) => `${name.padEnd(8)} ${statusField(pid, name)}`),
    ...['ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt'].map((name) => `${name.padEnd(8)} ${signalsIn(pid, name)}`),
    ...threadsOf(pid).map((thread) => {
      const waits = `wchan ${procFile(thread, 'wchan')}, SigPnd ${signalsIn(thread, 'SigPnd')}`;
      return `thread   ${thread} ${statusField(thread, 'Name')}, ${statusField(thread, 'State')}, ${waits}`;
    }),
    `children ${children.length}`,
    ...children.slice(0, SHOWN_CHILDREN).map((child) => `         ${describeChild(child)}`),
    ...(children.length > SHOWN_CHILDREN ? [`         and ${children.length - SHOWN_CHILDREN} more`] : []),
  ];
}

function describeChild({ pid, name, state }) {
  const command = procFile(pid, 'cmdline').replaceAll('\0', ' ').trim();
  return `${pid} ${name}, ${state}, SigIgn ${signalsIn(pid, 'SigIgn')}: ${command}`;
}

/** A set of signals as their numbers: 1-3,10,34-64 */
function signalsIn(pid, field) {
  const mask = BigInt(`0x${statusField(pid, field) || '0'}`);
  const ranges = [];
  for (let signal = 1; signal <= 64; signal++) {
    if (((mask >> BigInt(signal - 1)) & 1n) === 0n) continue;
    const last = ranges.at(-1);
    if (last?.[1] === signal - 1) last[1] = signal;
    else ranges.push([signal, signal]);
  }
  return ranges.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join() || 'none';
}
