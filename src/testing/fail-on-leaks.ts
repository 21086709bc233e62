import { aFunction, checkOptions } from '../in-process/check-options.ts';
import { type ProcessTracker, type TrackOptions, trackProcesses } from './track-processes.ts';

type Hook = (...context: unknown[]) => unknown;

/** The hooks of a test runner: those of node:test, Jest, Mocha and vitest are all of this kind. */
export interface TestHooks {
  readonly beforeEach: (hook: Hook) => unknown;
  readonly afterEach: (hook: Hook) => unknown;
}

export interface FailOnLeaksOptions extends Pick<TrackOptions, 'allow'> {
  /** The name of the test that runs, from what the runner gives its hooks. Known by itself in node:test, Jest, vitest. */
  readonly testName?: (context: unknown) => string | undefined;
}

/** Tests that run at the same time, and what has been tracked since the first of them began. */
interface Group {
  readonly tracker: ProcessTracker;
  readonly names: string[];
  /** The contexts of those that still run; undefined stands for the test of a runner that has none. */
  readonly running: Set<TestContext | undefined>;
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
  let group: Group | undefined;

  async function begin(context: TestContext | undefined): Promise<void> {
    // A runner that skips its hooks, after an error say, or for a test that skips itself, tells of no end.
    if (group !== undefined) {
      for (const other of group.running) {
        if (other === context || other?.signal?.aborted) await end(other);
      }
    }
    group ??= startGroup(trackOptions);
    group.names.push(testName(context) ?? 'a test');
    group.running.add(context);
  }

  async function end(context: TestContext | undefined): Promise<void> {
    if (!group?.running.delete(context) || group.running.size > 0) return;
    const { tracker } = group;
    group = undefined;
    await tracker.stop();
  }

  // Without a parameter: Jest and Mocha would wait for a callback, and vitest look for fixtures.
  beforeEach(async function () {
    // biome-ignore lint/complexity/noArguments: as above
    const context = asContext(arguments[0]);
    await begin(context);
    // The check must come after the test's own clean-up. In vitest the first to be registered is the last to run.
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

function startGroup(options: TrackOptions): Group {
  const names: string[] = [];
  const tracker = trackProcesses({
    ...options,
    get name() {
      return names.join(', or ');
    },
  });
  return { tracker, names, running: new Set() };
}

/** The parts of what node:test and vitest hand to their hooks that are used here. */
interface TestContext {
  /** node:test: aborted once the test is over, in whatever way. */
  readonly signal?: AbortSignal;
  readonly after?: (hook: () => Promise<void>) => void;
  readonly fullName?: string;
  readonly name?: string;
  /** vitest. */
  readonly onTestFinished?: (hook: () => Promise<void>) => void;
  readonly task?: Task;
}

/** vitest: a test, or what it is in. */
interface Task {
  readonly name: string;
  readonly suite?: Task;
  readonly file?: Task;
}

/** vitest's is a function. */
function asContext(argument: unknown): TestContext | undefined {
  return typeof argument === 'function' || (typeof argument === 'object' && argument !== null)
    ? (argument as TestContext)
    : undefined;
}

/** Jest hands its hooks nothing, and tells the name through `expect`. */
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
