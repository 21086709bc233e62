import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'kernels',
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/kernels/**/*.test.ts'],
    globalSetup: 'test/kernels/global-setup.ts',
    // An emulated machine takes one processor, most of the time.
    maxWorkers: 2,
    // Only for a machine that hangs: boot() ends it first, and reports what it has said until then.
    hookTimeout: 3_000_000,
  },
});
