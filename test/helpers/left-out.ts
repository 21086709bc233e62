// The last lines of a run: what was left out on this machine, and what it would take.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import { withReporter } from './reporter-plugin.ts';

let vitest: Vitest;

const reporter: Reporter = {
  onInit(itself) {
    vitest = itself;
  },
  onTestRunEnd(modules) {
    const { testNamePattern } = vitest.config;
    // The others were not asked for.
    const isMeant = ({ fullName }: TestCase) =>
      testNamePattern?.test(fullName.replaceAll(' > ', ' ')) ?? true;
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]).filter(isMeant);
    const lines = linesOf(skipped.map(reasonsOf));
    if (lines.length === 0) return;
    vitest.logger.log(` ${lines.join('\n   ')}\n`);
    // For the report of a suite: vitest's own has no reasons.
    const reports = process.env['REPORTS'];
    if (reports !== undefined) appendFileSync(join(reports, 'left-out'), `${lines.join('\n')}\n`);
  },
};

/** Adds these lines to a run. */
export const leftOut = withReporter('left-out', reporter);

/** Why a test was skipped: what it and the groups around it lack, or the note of its own skip(). */
function reasonsOf(test: TestCase): string[] {
  const reasons = new Set<string>();
  for (let at: TestCase | TestSuite | TestModule = test; at.type !== 'module'; at = at.parent)
    for (const lack of at.meta().lacks ?? []) reasons.add(`need ${lack}`);
  const result = test.result();
  if (reasons.size === 0)
    reasons.add(`were skipped: ${(result.state === 'skipped' && result.note) || 'they do not say why'}`);
  return [...reasons];
}

/**
 * One line for each reason: "12 tests need a C compiler: apt-get install gcc libc6-dev".
 * @param tests each with its reasons
 */
export function linesOf(tests: readonly (readonly string[])[]): string[] {
  if (tests.length === 0) return [];
  const counts = new Map<string, number>();
  for (const reason of tests.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const lines = [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([reason, count]) => inWords(count, reason));
  const isShared = tests.some((reasons) => reasons.length > 1);
  return [`Left out: ${tests.length}${isShared ? ', some for several reasons' : ''}`, ...lines];
}

function inWords(count: number, reason: string): string {
  if (count > 1) return `${count} tests ${reason}`;
  return `1 test ${reason.replace(/^need/, 'needs').replace(/^were/, 'was').replace('they do', 'it does')}`;
}
