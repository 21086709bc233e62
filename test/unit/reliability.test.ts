import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { file, folders, pageOf, rowsOfPage } from '../faults/reliability-page.ts';

// The names of the tests are compared where vitest has them, in each run of theirs: test/faults/reliability-rows.ts.
test('docs/reliability.md is what its script writes (update it with: npm run docs)', () => {
  expect(readFileSync(file, 'utf8')).toBe(pageOf(rowsOfPage()));
});

test.each(folders)('it has rows of each file of %s, and of no other', (folder) => {
  const files = readdirSync(resolve(import.meta.dirname, '../..', folder)).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const inPage = rowsOfPage()
    .map((row) => row.test)
    .filter((test) => test.startsWith(folder));
  expect([...new Set(inPage)]).toEqual(files.map((name) => `${folder}/${name}`).sort());
});
