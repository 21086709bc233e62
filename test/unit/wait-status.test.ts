import { describe, expect, test } from 'vitest';
import type { Signal } from '../../src/native/types.ts';
import { decodeWaitStatus, exitStatus } from '../../src/reaper/wait-status.ts';

// How the kernel and <sys/wait.h> build a status.
const W_EXITCODE = (code: number, signal: number) => (code << 8) | signal;
const W_STOPCODE = (signal: number) => (signal << 8) | 0x7f;
const WCOREFLAG = 0x80;

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => (from + index) as Signal);

describe('a process that exited', () => {
  test.each(range(0, 255))('with %i', (code) => {
    const status = decodeWaitStatus(W_EXITCODE(code, 0));
    expect(status).toEqual({ kind: 'exited', code });
    expect(status.kind === 'exited' && exitStatus(status)).toBe(code);
  });
});

describe('a process that was killed', () => {
  test.each(range(1, 64))('by signal %i', (signal) => {
    const status = decodeWaitStatus(W_EXITCODE(0, signal));
    expect(status).toEqual({ kind: 'killed', signal, coreDumped: false });
    expect(status.kind === 'killed' && exitStatus(status)).toBe(128 + signal);
  });

  test.each(range(1, 64))('by signal %i, with a core dump', (signal) => {
    const status = decodeWaitStatus(W_EXITCODE(0, signal) | WCOREFLAG);
    expect(status).toEqual({ kind: 'killed', signal, coreDumped: true });
    expect(status.kind === 'killed' && exitStatus(status)).toBe(128 + signal);
  });
});

describe('a process that stopped', () => {
  test.each([...range(1, 31), ...range(34, 64)])('by signal %i', (signal) => {
    expect(decodeWaitStatus(W_STOPCODE(signal))).toEqual({ kind: 'stopped', signal });
  });

  test('is no process that exited or was killed, whatever the signal', () => {
    const kinds = range(1, 64).map((signal) => decodeWaitStatus(W_STOPCODE(signal)).kind);
    expect(new Set(kinds)).toEqual(new Set(['stopped']));
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
