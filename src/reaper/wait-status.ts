import type { Signal } from '../native/types.ts';

/** How a process ended: wait(2). */
export type Ended =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: Signal; readonly coreDumped: boolean };

export interface Stopped {
  readonly kind: 'stopped';
  readonly signal: Signal;
}

/** The meaning of a wait status: wait(2). */
export type WaitStatus = Ended | Stopped;

/**
 * Decodes the status of wait4(2), as the macros of wait(2) do. The low seven bits are the signal that ended the process,
 * 0 for an exit and 0x7f for a stop. Bit 7 is the core dump flag. The second byte is the exit code or the stop signal.
 */
export function decodeWaitStatus(status: number): WaitStatus {
  const termination = status & 0x7f;
  const secondByte = (status >> 8) & 0xff;
  if (termination === 0) return { kind: 'exited', code: secondByte };
  if (termination === 0x7f) return { kind: 'stopped', signal: secondByte as Signal };
  return { kind: 'killed', signal: termination as Signal, coreDumped: (status & 0x80) !== 0 };
}

/** Whether it is the status of a stop. Of 20,000 orphans it makes no object each. */
export function isStop(status: number): boolean {
  return (status & 0x7f) === 0x7f;
}

/** The exit status of an ended process, as a shell reports it: the code, or 128 + N for signal N. */
export function exitStatus(status: Ended): number {
  return status.kind === 'exited' ? status.code : 128 + status.signal;
}
