import { describe, expect, test } from 'vitest';
import type { Signal } from '../../src/native/types.ts';
import { decodeWaitStatus, exitStatus } from '../../src/reaper/wait-status.ts';

// How the kernel and <sys/wait.h> build a status.
const W_EXITCODE = (code: number, signal: number) => (code << 8) | signal;
const W_STOPCODE = (signal: number) => (signal << 8) | 0x7f;
const WCOREFLAG = 0x80;

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => (from + index) as Signal);

/** Decodes the status of an ended process, and compares init's exit status.*/
function expectEnd(status: number, expected: object, own: number): void {
  const end = decodeWaitStatus(status);
  expect(end).toEqual(expected);
  expect(end.kind !== 'stopped' && exitStatus(end), JSON.stringify(expected)).toBe(own);
}

describe('a process', () => {
  test('that exited, with each code', () => {
    for (const code of range(0, 255)) expectEnd(W_EXITCODE(code, 0), { kind: 'exited', code }, code);
  });

  test('that was killed by each signal, with and without a core dump', () => {
    for (const signal of range(1, 64)) {
      const status = W_EXITCODE(0, signal);
      expectEnd(status, { kind: 'killed', signal, coreDumped: false }, 128 + signal);
      expectEnd(status | WCOREFLAG, { kind: 'killed', signal, coreDumped: true }, 128 + signal);
    }
  });

  test('that each signal stopped', () => {
    const signals = range(1, 64);
    expect(signals.map((signal) => decodeWaitStatus(W_STOPCODE(signal)))).toEqual(
      signals.map((signal) => ({ kind: 'stopped', signal })),
    );
  });
});

test('every status that the kernel builds means one thing', () => {
  const statuses = [
    ...range(0, 255).map((code) => W_EXITCODE(code, 0)),
    ...range(1, 64).flatMap((signal) => [signal, signal | WCOREFLAG]),
    ...range(1, 64).map(W_STOPCODE),
  ];
  const meanings = statuses.map((status) => JSON.stringify(decodeWaitStatus(status)));
  expect(new Set(meanings).size).toBe(256 + 128 + 64);
});
