import { aFunction, checkArgument, readOptions, rule } from '../arguments/check-arguments.ts';
import { type ProcessTracker, startTracking, type TrackOptions } from './track-processes.ts';

type Hook = (...context: unknown[]) => unknown;

/** The hooks of a test runner: node:test, Jest, Mocha and vitest all have these. */
export interface TestHooks {
  readonly beforeEach: (hook: Hook) => unknown;
  readonly afterEach: (hook: Hook) => unknown;
}

export interface FailOnLeaksOptions extends Pick<TrackOptions, 'allow'> {
  /** Returns the test's name, from the runner's argument to its hooks. Not needed for node:test, Jest and vitest. */
  readonly testName?: (context: unknown) => string | undefined;
}

/** Tests that run at the same time, and the tracker that started with the first of them. */
interface Group {
  readonly tracker: ProcessTracker;
  readonly names: string[];
  /** The contexts of the tests that still run; undefined if the runner has no contexts. */
  readonly running: Set<TestContext | undefined>;
}

/**
 * Makes every test fail that leaves a process running, with a LeakedProcessError that names the test, the process and
 * its ancestors. It also ends the process. Call it at the top of a test file or in a set-up file.
 *
 * Tests that run at the same time are checked together, when the last of them ends: nothing says whose process it is,
 * and a test that is still running must not lose its own.
 * @throws TypeError for an argument that is not allowed
 */
export function failOnLeaks(hooks: TestHooks, options?: FailOnLeaksOptions): void {
  // Each is read once. They need not be the object's own: it comes from a test runner.
  const { beforeEach, afterEach } = (hooks ?? {}) as TestHooks;
  const areFunctions = typeof beforeEach === 'function' && typeof afterEach === 'function';
  const testHooks = rule(() => areFunctions, "an object with the test runner's beforeEach and afterEach");
  checkArgument('failOnLeaks', 'hooks', hooks, testHooks);
  const { testName = knownTestName, allow } = readOptions('failOnLeaks', options, {
    allow: aFunction,
    testName: aFunction,
  });
  let group: Group | undefined;

  async function begin(context: TestContext | undefined): Promise<void> {
    // A runner may skip its afterEach hooks, after an error or for a test that skips itself: no end was reported then.
    if (group !== undefined) {
      for (const other of group.running) {
        if (other === context || other?.signal?.aborted) await end(other);
      }
    }
    if (group === undefined) {
      const names: string[] = [];
      const tracker = startTracking(() => names.join(', or '), allow);
      group = { tracker, names, running: new Set() };
    }
    group.names.push(testName(context) ?? 'a test');
    group.running.add(context);
  }

  async function end(context: TestContext | undefined): Promise<void> {
    if (!group?.running.delete(context) || group.running.size > 0) return;
    const { tracker } = group;
    group = undefined;
    await tracker.stop();
  }

  // No parameter: Jest and Mocha would wait for a callback, and vitest would look for fixtures.
  beforeEach(async function () {
    // biome-ignore lint/complexity/noArguments: as above
    const context = asContext(arguments[0]);
    await begin(context);
    // The check must run after the test's own clean-up. vitest runs these hooks in reverse order of registration.
    context?.onTestFinished?.(() => end(context));
  });
  afterEach(function () {
    // biome-ignore lint/complexity/noArguments: as above
    const context = asContext(arguments[0]);
    if (context?.onTestFinished !== undefined) return undefined;
    // In node:test t.after() runs after this, in the order of registration.
    if (context?.after !== undefined) return context.after(() => end(context));
    return end(context);
  });
}

/** The properties of the contexts of node:test and vitest that this file uses. */
interface TestContext {
  /** node:test: aborted once the test has ended, in whatever way. */
  readonly signal?: AbortSignal;
  readonly after?: (hook: () => Promise<void>) => void;
  readonly fullName?: string;
  readonly name?: string;
  /** vitest. */
  readonly onTestFinished?: (hook: () => Promise<void>) => void;
  readonly task?: Task;
}

/** vitest: a test, a suite or a file. */
interface Task {
  readonly name: string;
  readonly suite?: Task;
  readonly file?: Task;
}

/** vitest's context is a function. */
function asContext(argument: unknown): TestContext | undefined {
  return typeof argument === 'function' || (typeof argument === 'object' && argument !== null)
    ? (argument as TestContext)
    : undefined;
}

/** Jest passes nothing to its hooks; `expect` knows the name. */
function knownTestName(argument: unknown): string | undefined {
  const context = asContext(argument);
  if (context?.task !== undefined) return taskName(context.task);
  if (context !== undefined) return context.fullName ?? context.name;
  const { expect } = globalThis as { expect?: { getState?: () => { currentTestName?: string } } };
  return expect?.getState?.().currentTestName;
}

function taskName(test: Task): string {
  const names: string[] = [];
  for (let task: Task | undefined = test; task !== undefined; task = task.suite) names.unshift(task.name);
  if (test.file !== undefined) names.unshift(test.file.name);
  return names.join(' > ');
}
