import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { slowness } from './test/helpers/slowness.mjs';

const hangMs = 240_000 * slowness();

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/global-setup.ts',
    // The tests wait most of the time: on a machine of two cores the default would be one file at a time.
    maxWorkers: Math.max(2, Math.ceil(availableParallelism() / 2)),
    // For what hangs. No test may fail because a machine is slow.
    testTimeout: hangMs,
    hookTimeout: hangMs,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: ['test/integration/examples.test.ts', 'test/integration/a-trace-in-chromium.test.ts'],
          // A test that leaves a process running fails: the project's own testing kit.
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        // The code blocks of the pages.
        test: {
          name: 'documentation',
          include: ['test/documentation/**/*.test.ts'],
          exclude: ['test/documentation/beside-the-others.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        // The table of the README. It takes a minute, most of it pm2-runtime's ends.
        test: {
          name: 'comparison',
          include: ['test/documentation/beside-the-others.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: ['test/faults/numbers-held.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'storms',
          include: ['test/storms/**/*.test.ts', 'test/faults/numbers-held.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
          // After the others: 20,000 zombies take most of a system's pids, and make every look at /proc long.
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'examples',
          include: ['test/integration/examples.test.ts', 'test/integration/a-trace-in-chromium.test.ts'],
          setupFiles: 'src/testing/vitest.ts',
          // After the others: a browser takes all of a small machine.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
