import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { identity, type ProcessInfo, readProcess, walk } from '../../src/process-tree/process-table.ts';
import { propertyRuns } from '../helpers/property-runs.ts';
import { RecyclingWorld, ROOT } from '../helpers/recycling-world.ts';

const now = vi.hoisted(() => ({ world: undefined as RecyclingWorld | undefined }));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  ...Object.fromEntries(
    (['existsSync', 'readdirSync', 'openSync', 'readSync', 'closeSync'] as const).map((name) => [
      name,
      (...args: unknown[]) =>
        ((now.world as RecyclingWorld).fs[name] as (...args: unknown[]) => unknown)(...args),
    ]),
  ),
}));

describe('whatever pids are recycled while the tree is read', () => {
  test.each([
    ['from the children files', true],
    ['from all of /proc', false],
  ])(
    'no stranger is taken for a descendant, and none comes twice, %s',
    { timeout: 3_600_000 },
    (_, hasChildrenFiles) => {
      let found = 0;
      fc.assert(
        fc.property(
          fc.array(fc.nat({ max: 4095 }), { minLength: 20, maxLength: 100, size: 'max' }),
          (choices) => {
            const world = new RecyclingWorld(choices);
            world.hasChildrenFiles = hasChildrenFiles;
            now.world = world;
            const [, ...descendants] = [...walk([readProcess(ROOT) as ProcessInfo])].map(identity);
            expect(descendants.filter((process) => !world.everBelowRoot.has(process))).toEqual([]);
            expect(new Set(descendants).size).toBe(descendants.length);
            found += descendants.length;
          },
        ),
        propertyRuns,
      );
      // It is no test if the tree is empty most of the time.
      expect(found).toBeGreaterThan(propertyRuns.numRuns / 2);
    },
  );
});
