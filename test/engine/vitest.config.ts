import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { hangMs } from '../helpers/slowness.mjs';

export default defineConfig({
  test: {
    name: 'engine',
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/engine/**/*.test.ts'],
    globalSetup: 'test/engine/global-setup.ts',
    // A test that leaves a process running fails: the project's own testing kit.
    setupFiles: 'src/testing/vitest.ts',
    testTimeout: hangMs,
    hookTimeout: hangMs,
    // The engine ends its containers before itself.
    teardownTimeout: 60_000,
    // The tests measure how long an end takes.
    fileParallelism: false,
  },
});
