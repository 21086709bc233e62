import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../helpers/documentation.ts';

/** The promises of SECURITY.md: the rows of its table, without the head. */
const promises = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((row) => row.split('|').map((cell) => cell.trim()))
  .map(([, who, what, tests]) => ({ who, what, tests: tests as string }));

test.each(promises)('SECURITY.md: a test for each promise: $what', ({ tests }) => {
  const files = tests.split('<br>').map((ofFile) => {
    const [, file = '', names = ''] = /^`([\w/-]+)`: (.+)$/.exec(ofFile) ?? [];
    return { file: join(root, `test/${file}.test.ts`), names: names.split(', "') };
  });
  for (const { file, names } of files) {
    expect(existsSync(file), file).toBe(true);
    const source = readFileSync(file, 'utf8');
    for (const name of names) expect(source).toContain(name.replaceAll('"', ''));
  }
});
