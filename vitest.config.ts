import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { hangMs } from './test/helpers/slowness.mjs';

/** Every state of the lifecycle, and that a wrong lifecycle is found. */
const explorations = ['test/unit/lifecycle-exploration.test.ts', 'test/unit/lifecycle-mutants.test.ts'];
const comparisons = ['test/documentation/beside-the-others.test.ts', 'test/integration/drop-in.test.ts'];
/** What init says: most of it waits until something is slow. */
const explanations = [
  'a-report-of-the-end',
  'a-stop-explains-itself',
  'a-trace-of-the-run',
  'events',
  'no-secret-is-told',
].map((name) => `test/integration/${name}.test.ts`);
const wide = ['test/integration/a-wide-tree.test.ts'];
const numbers = ['test/faults/numbers-held.test.ts'];
const inChromium = ['test/integration/examples.test.ts', 'test/integration/a-trace-in-chromium.test.ts'];

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/global-setup.ts',
    // The tests wait a third of the time: on a machine of two cores the default would be one file at a time.
    maxWorkers: Math.max(4, Math.ceil(availableParallelism() / 2)),
    testTimeout: hangMs,
    hookTimeout: hangMs,
    projects: [
      // `npm test` is the first two: less than three minutes on two slow cores.
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], exclude: explorations },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: [...comparisons, ...explanations, ...wide, ...inChromium],
          // A test that leaves a process running fails: the project's own testing kit.
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'explanations',
          include: explanations,
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'exploration',
          include: explorations,
          // It only computes: beside the storms, which leave no room for a process.
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        // The code blocks of the pages.
        test: {
          name: 'documentation',
          include: ['test/documentation/**/*.test.ts'],
          exclude: comparisons,
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        // Beside the other inits themselves.
        test: {
          name: 'comparison',
          include: comparisons,
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: numbers,
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'storms',
          include: ['test/storms/**/*.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
          // After the others: 20,000 zombies take most of a system's pids, and make every look at /proc long.
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'numbers',
          include: numbers,
          setupFiles: 'src/testing/vitest.ts',
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'wide',
          include: wide,
          setupFiles: 'src/testing/vitest.ts',
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'examples',
          include: inChromium,
          setupFiles: 'src/testing/vitest.ts',
          // After the others: a browser takes all of a small machine.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
