import { detectLibc } from '../native/libc.ts';
import { realTimeMaximum, realTimeMinimum } from '../native/signal-set.ts';
import type { Signal } from '../native/types.ts';

/** The range of real-time signals, signal(7). The C library decides where it begins. */
export interface RealTimeRange {
  readonly first: Signal;
  readonly last: Signal;
}

/** The range on a platform without real-time signals: every signal is below the first. */
export const noRealTime: RealTimeRange = { first: 32 as Signal, last: 31 as Signal };

/** The range of this platform's C library. */
export function realTimeRange(): RealTimeRange {
  if (process.platform !== 'linux') return noRealTime;
  return { first: realTimeMinimum[detectLibc()] as Signal, last: realTimeMaximum as Signal };
}

/** Signals 1 to 31 in order, the same on x64 and arm64: signal(7). */
const linuxNames =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG ' +
  'XCPU XFSZ VTALRM PROF WINCH IO PWR SYS';

let numbers: Map<string, Signal> | undefined;

/** Built when it is needed: an app that is its own init may never name a signal. */
function numberOf(): Map<string, Signal> {
  numbers ??= buildTable();
  return numbers;
}

function buildTable(): Map<string, Signal> {
  // node:os has all of them, but loading it takes longer than the rest of start-up: only other platforms need it.
  if (process.platform !== 'linux') {
    const { constants } = process.getBuiltinModule('node:os');
    return new Map(Object.entries(constants.signals) as [string, Signal][]);
  }
  const table = new Map<string, Signal>();
  let number = 0;
  for (const name of linuxNames.split(' ')) table.set(`SIG${name}`, ++number as Signal);
  table.set('SIGIOT', 6 as Signal);
  table.set('SIGPOLL', 29 as Signal);
  return table;
}

/** Every signal name without "SIG", as a user may type it. */
export function signalNames(): string[] {
  return [...numberOf().keys()].map((name) => name.slice(3));
}

/** A named signal's number on this platform. */
export function signalNumber(name: NodeJS.Signals): Signal {
  return numberOf().get(name) as Signal;
}

/**
 * The number of a signal as `kill` of node's ChildProcess takes it: a number, or a name in capitals or not.
 * @returns undefined for a name that `kill` refuses
 */
export function requestedSignal(signal: NodeJS.Signals | number): number | undefined {
  return typeof signal === 'number' ? signal : signalNumber(String(signal).toUpperCase() as NodeJS.Signals);
}

/** "SIGTERM", "SIGRTMIN+3". */
export function signalName(signal: Signal, realTime = realTimeRange()): string {
  const offset = signal - realTime.first;
  if (offset === 0) return 'SIGRTMIN';
  if (offset > 0) return `SIGRTMIN+${offset}`;
  // Some numbers have two names; the usual one comes first.
  for (const [name, number] of numberOf()) if (number === signal) return name;
  return `signal ${signal}`;
}

/**
 * Parses a signal as a user writes it: "SIGTERM", "TERM", "term", "15", "RTMIN+3", "RTMAX-1".
 * @returns undefined if it is not a signal
 */
export function parseSignal(text: string, realTime = realTimeRange()): Signal | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= realTime.last ? (number as Signal) : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const relative = /^RT(?:(MIN)(?:\+(\d+))?|(MAX)(?:-(\d+))?)$/.exec(name);
  if (relative === null) return numberOf().get(`SIG${name}`);
  const number = relative[1]
    ? realTime.first + Number(relative[2] ?? 0)
    : realTime.last - Number(relative[4] ?? 0);
  return number >= realTime.first && number <= realTime.last ? (number as Signal) : undefined;
}
