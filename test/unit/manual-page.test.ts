import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { options } from '../../src/cli/options.ts';
import { manualPage } from '../helpers/manual-page.ts';
import { describeWith } from '../helpers/modes.ts';

const page = manualPage(options);

test('man/subreaper.1 has the option table of the parser (update it with: npm run docs)', async () => {
  await expect(page).toMatchFileSnapshot('../../man/subreaper.1');
});

describeWith(['mandoc'], 'mandoc', () => {
  test('finds nothing wrong with it', () => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint'], { input: page, encoding: 'utf8' });
    // Whether the other pages are installed is the machine's affair.
    const remarks = stdout.split('\n').filter((line) => line !== '' && !line.includes('mandoc.db'));
    expect(remarks).toEqual([]);
  });
});
