import { inSignalSet } from '../native/signal-set.ts';
import type { Pid, Signal, SignalSet } from '../native/types.ts';
import { readOrNothing } from './read-or-nothing.ts';

/** What a process does with signals, as /proc shows it at one instant. */
export interface SignalHandling {
  readonly group: Pid;
  /** 0 if it is not traced. */
  readonly tracer: Pid;
  readonly ignored: SignalSet;
  readonly caught: SignalSet;
  readonly blocked: SignalSet;
  /** Sent to the process, and taken by none of its threads. */
  readonly pending: SignalSet;
  /** How often its first thread has gone to sleep: the same number again if it has not run since. */
  readonly switches: number;
}

/**
 * Reads /proc/pid/status: proc_pid_status(5).
 * @returns undefined if the process is gone, or /proc cannot be read
 */
export function readSignalHandling(pid: Pid | 'self'): SignalHandling | undefined {
  const status = readOrNothing(`/proc/${pid}/status`);
  return status === undefined ? undefined : parseSignalHandling(status);
}

export function parseSignalHandling(status: string): SignalHandling {
  // A line feed, and not the flag m: to that, a carriage return in the process's name, on the first line, ends one too.
  const field = (name: string) => new RegExp(`\\n${name}:\\s*(\\w+)`).exec(status)?.[1] ?? '0';
  const set = (name: string) => BigInt(`0x${field(name)}`) as SignalSet;
  return {
    // The first number is the one in the namespace of /proc. The kernel has the field since 4.1.
    group: Number(field('NSpgid')) as Pid,
    tracer: Number(field('TracerPid')) as Pid,
    ignored: set('SigIgn'),
    caught: set('SigCgt'),
    blocked: set('SigBlk'),
    pending: set('ShdPnd'),
    switches: Number(field('voluntary_ctxt_switches')),
  };
}

export type Reaction = 'ignores' | 'blocks' | 'handles' | 'has no handler for';

/**
 * What becomes of a signal. One that the first thread blocks is blocked only if it is still pending: another thread, or
 * a signalfd, may take it.
 */
export function reactionTo(signal: Signal, handling: SignalHandling): Reaction {
  if (inSignalSet(handling.ignored, signal)) return 'ignores';
  if (inSignalSet(handling.pending, signal) && inSignalSet(handling.blocked, signal)) return 'blocks';
  const isTaken = inSignalSet(handling.caught, signal) || inSignalSet(handling.blocked, signal);
  return isTaken ? 'handles' : 'has no handler for';
}
