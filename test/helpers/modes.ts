import { describe } from 'vitest';
import { missing, type Part } from './environment.ts';
import type { Mode } from './run-init.ts';

/** A group of tests. If this machine lacks a part, it is skipped, and its name says why. */
export function describeWith(parts: readonly Part[], name: string, tests: () => void): void {
  const reason = missing(...parts);
  describe.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (skipped: ${reason})`, tests);
}

/** The same tests as PID 1 of a PID namespace and as a plain subreaper. */
export function describeModes(parts: readonly Part[], name: string, tests: (mode: Mode) => void): void {
  describeWith([...parts, 'namespaces'], `${name}, as PID 1`, () => tests('pid1'));
  describeWith(parts, `${name}, as a plain subreaper`, () => tests('subreaper'));
}
