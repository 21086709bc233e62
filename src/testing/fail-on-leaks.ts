import { aFunction, checkOptions } from './check-options.ts';
import { type ProcessTracker, type TrackOptions, trackProcesses } from './track-processes.ts';

type Hook = (...context: unknown[]) => unknown;

/** The hooks of a test runner: those of node:test, Jest, Mocha and vitest are all of this kind. */
export interface TestHooks {
  readonly beforeEach: (hook: Hook) => unknown;
  readonly afterEach: (hook: Hook) => unknown;
}

export interface FailOnLeaksOptions extends Pick<TrackOptions, 'allow'> {
  /** The name of the test that runs, from what the runner gives its hooks. Known by itself in node:test, Jest, vitest. */
  readonly testName?: (...context: unknown[]) => string | undefined;
}

/**
 * Makes each test fail that leaves a process running, with a LeakedProcessError that names the test, the process and
 * where it came from; the process is ended. Call it at the top of a test file or in a set-up file.
 *
 * Tests that run at the same time are looked at together, when the last of them ends: nobody can tell whose process
 * it is, and one that still runs must not lose its own.
 */
export function failOnLeaks({ beforeEach, afterEach }: TestHooks, options: FailOnLeaksOptions = {}): void {
  checkOptions('failOnLeaks', options, { allow: aFunction, testName: aFunction });
  const { testName = knownTestName, ...trackOptions } = options;
  let running = 0;
  let names: string[] = [];
  let tracker: ProcessTracker | undefined;

  async function end(): Promise<void> {
    if (--running > 0) return;
    const ended = tracker;
    tracker = undefined;
    try {
      await ended?.stop();
    } finally {
      names = [];
    }
  }

  // A rest parameter leaves the function's length at 0: with a parameter Jest and Mocha would wait for a callback.
  beforeEach((...context) => {
    running++;
    names.push(testName(...context) ?? 'a test');
    tracker ??= trackProcesses({
      ...trackOptions,
      get name() {
        return names.join(', or ');
      },
    });
    // The check must come after the test's own clean-up. In vitest the first to be registered is the last to run.
    (context[0] as TestContext | undefined)?.onTestFinished?.(end);
  });
  afterEach((...context) => {
    const test = (context[0] ?? {}) as TestContext;
    if (test.onTestFinished !== undefined) return undefined;
    // In node:test t.after() runs after this, in the order of registration.
    if (test.after !== undefined) return test.after(end);
    return end();
  });
}

/** The parts of what node:test and vitest hand to hooks that tell when a test's own clean-up is over. */
interface TestContext {
  readonly onTestFinished?: (hook: () => Promise<void>) => void;
  readonly after?: (hook: () => Promise<void>) => void;
}

interface Named {
  readonly name?: unknown;
  readonly fullName?: unknown;
}

/** node:test hands its hooks a context with the name; Jest and vitest tell it through `expect`. */
function knownTestName(context: unknown): string | undefined {
  const { expect } = globalThis as {
    expect?: { getState?: () => { currentTestName?: string } };
  };
  const name = expect?.getState?.().currentTestName;
  if (name !== undefined) return name;
  const { fullName, name: ownName } = (context ?? {}) as Named;
  return [fullName, ownName].find((name) => typeof name === 'string') as string | undefined;
}
