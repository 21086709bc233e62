// Compares docs/reliability.md with the tests that are its rows, in every run that has some of them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { withReporter } from '../helpers/reporter-plugin.ts';
import { file, folders, pageOf, type Row, rowOf, rowsOfPage } from './reliability-page.ts';

const root = resolve(import.meta.dirname, '../..');

let vitest: Vitest;

const reporter: Reporter = {
  onInit(itself) {
    vitest = itself;
  },
  onTestRunEnd(modules) {
    // A file that cannot be loaded fails by itself.
    const loaded = modules.filter((module) => isRow(module) && module.errors().length === 0);
    if (loaded.length === 0) return;
    const files = loaded.map(testFile);
    const others = rowsOfPage().filter(
      ({ test }) => !files.includes(test) && existsSync(resolve(root, test)),
    );
    const page = pageOf([...others, ...loaded.flatMap(rowsOf)]);
    if (page === readFileSync(file, 'utf8')) return;
    if (vitest.config.snapshotOptions.updateSnapshot === 'all') return writeFileSync(file, page);
    vitest.logger.error(
      `docs/reliability.md does not have the names of the tests in ${files.join(', ')}; run: npm run docs`,
    );
    process.exitCode = 1;
  },
};

/** Fails a run where a row is not the name of a test, and writes the rows with `--update`. */
export const reliabilityRows = withReporter('reliability-rows', reporter);

const testFile = ({ moduleId }: TestModule) => relative(root, moduleId);
const isRow = (module: TestModule) => folders.includes(dirname(testFile(module)));

/** The tests that are skipped here too: they have their names all the same. */
function rowsOf(module: TestModule): Row[] {
  return [...module.children.allTests()].map(({ fullName }) => rowOf(fullName, testFile(module)));
}
