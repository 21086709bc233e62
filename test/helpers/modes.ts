import { describe } from 'vitest';
import { needs, type Part } from './needs.ts';
import type { Mode } from './run-init.ts';

/** A group of tests. If this machine lacks a part, it is skipped. */
export function describeWith(parts: readonly Part[], name: string, tests: () => void): void {
  describe(name, needs(...parts), tests);
}

/** The same tests as PID 1 of a PID namespace and as a plain subreaper. */
export function describeModes(parts: readonly Part[], name: string, tests: (mode: Mode) => void): void {
  describeWith([...parts, 'namespaces'], `${name}, as PID 1`, () => tests('pid1'));
  describeWith(parts, `${name}, as a plain subreaper`, () => tests('subreaper'));
}
