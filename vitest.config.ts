import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { reliabilityRows } from './test/faults/reliability-rows.ts';
import { leftOut } from './test/helpers/left-out.ts';
import { hangMs } from './test/helpers/slowness.mjs';

type Special = NonNullable<TestProjectInlineConfiguration['test']>;

/** Projects of one group run at once. */
const group = (groupOrder: number): Special => ({ sequence: { groupOrder } });
const withoutLeakCheck: Special = { setupFiles: [] };
/** The tests measure how long an end takes. */
const oneFileAtATime: Special = { fileParallelism: false };

/** Each folder of tests, and what is special about it. */
const projects: Record<string, Special> = {
  unit: withoutLeakCheck,
  integration: {},
  explanations: {},
  documentation: {},
  comparison: {},
  faults: {},
  // Its tests mostly wait.
  starters: { ...withoutLeakCheck, globalSetup: 'test/starters/install.ts', maxConcurrency: 16 },
  // A browser takes all of a small machine.
  examples: group(1),
  numbers: group(1),
  wide: group(1),
  // 20,000 zombies take most of a system's pids, and make every look at /proc long.
  storms: group(2),
  // It only computes: beside the storms, which leave no room for a process.
  exploration: { ...withoutLeakCheck, ...group(2) },
  engine: { ...oneFileAtATime, ...group(3), globalSetup: 'test/engine/global-setup.ts' },
  // podman gives every pod the same port of the host.
  pods: { ...oneFileAtATime, ...group(4), globalSetup: 'test/pods/global-setup.ts' },
  images: { ...group(5), globalSetup: 'test/images/global-setup.ts' },
  kernels: {
    ...withoutLeakCheck,
    ...group(6),
    globalSetup: 'test/kernels/global-setup.ts',
    // An emulated machine takes one processor, most of the time.
    maxWorkers: 2,
    // Only for a machine that hangs: boot() ends it first, and reports what it has said until then.
    hookTimeout: 3_000_000,
  },
};

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/global-setup.ts',
    // The engine and podman end their containers before themselves.
    teardownTimeout: 60_000,
    projects: Object.entries(projects).map(([name, special]) => ({
      plugins: [leftOut, reliabilityRows],
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        // A test that leaves a process running fails: the project's own testing kit.
        setupFiles: 'src/testing/vitest.ts',
        // The tests wait a third of the time: on a machine of two cores the default would be one file at a time.
        maxWorkers: Math.max(4, Math.ceil(availableParallelism() / 2)),
        testTimeout: hangMs,
        hookTimeout: hangMs,
        ...special,
      },
    })),
  },
});
