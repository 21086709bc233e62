import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { hangMs } from '../helpers/slowness.mjs';

export default defineConfig({
  test: {
    name: 'pods',
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/pods/**/*.test.ts'],
    globalSetup: 'test/pods/global-setup.ts',
    // A test that leaves a process running fails: the project's own testing kit.
    setupFiles: 'src/testing/vitest.ts',
    testTimeout: hangMs,
    hookTimeout: hangMs,
    // podman ends its pods before itself.
    teardownTimeout: 60_000,
    // The tests measure how long an end takes, and podman gives every pod the same port of the host.
    fileParallelism: false,
  },
});
