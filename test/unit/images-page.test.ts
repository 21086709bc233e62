import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { markdownTable } from '../helpers/markdown-table.ts';
import { images } from '../images/images.ts';

const ci = readFileSync(join(root, '.ci/run'), 'utf8').split('\n');

interface Row {
  readonly image: string;
  readonly like: string;
  readonly suite: string;
  /** The line of .ci/run that runs it, and how much of it that is. */
  readonly inCi?: { readonly line: string; readonly what: string };
}

const rows: readonly Row[] = [
  ...Object.values(images).map(({ name, like }) => ({
    image: `\`${name}\``,
    like,
    suite: `images ${name}`,
    inCi: { line: 'start_beside images node test/suite.mjs images', what: 'all' },
  })),
  {
    image: 'node:24-bookworm-slim',
    like: 'or Debian 12 with node 24; in Docker, Swarm and podman',
    suite: 'engine',
    inCi: { line: 'start_beside containers suites_in_turn engine pods', what: 'all' },
  },
  {
    image: 'Alpine',
    like: 'node, sh and all other programs are linked to musl',
    suite: 'musl',
    inCi: { line: 'start_beside musl node test/suite.mjs musl 24', what: 'with node 24' },
  },
  {
    image: 'arm64',
    like: 'an emulated node, with glibc and with musl',
    suite: 'arm64',
    inCi: { line: 'suite arm64', what: 'a sample' },
  },
  { image: 'arm64', like: 'a whole emulated machine, with Debian 12', suite: 'kernels arm64' },
];

test('docs/package.md has the table of images (update it with: npm run docs)', async () => {
  const page = readFileSync(join(root, 'docs/package.md'), 'utf8');
  const table = markdownTable(
    ['image', 'what it is', 'what tries it', 'of that in CI'],
    ...rows.map(({ image, like, suite, inCi }) => [
      image,
      like,
      `\`npm run suite ${suite}\``,
      inCi !== undefined && ci.includes(inCi.line) ? inCi.what : 'nothing',
    ]),
  );
  const [before, after] = page.split(/^\| image [\s\S]*?\n(?=\n)/m) as [string, string];
  await expect(`${before}${table}\n${after}`).toMatchFileSnapshot('../../docs/package.md');
});
