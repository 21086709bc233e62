import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { markdownTable } from '../helpers/markdown-table.ts';
import { images } from '../images/images.ts';

interface Row {
  readonly image: string;
  readonly like: string;
  readonly suite: string;
}

const rows: readonly Row[] = [
  ...Object.values(images).map(({ name, like }) => ({
    image: `\`${name}\``,
    like,
    suite: `images ${name}`,
  })),
  {
    image: 'node:24-bookworm-slim',
    like: 'or Debian 12 with node 24; in Docker, Swarm and podman',
    suite: 'engine',
  },
  {
    image: 'Alpine',
    like: 'node, sh and all other programs are linked to musl',
    suite: 'musl',
  },
  {
    image: 'arm64',
    like: 'an emulated node, with glibc and with musl',
    suite: 'arm64',
  },
  { image: 'arm64', like: 'a whole emulated machine, with Debian 12', suite: 'kernels arm64' },
];

test('docs/package.md has the table of images (update it with: npm run docs)', async () => {
  const page = readFileSync(join(root, 'docs/package.md'), 'utf8');
  const table = markdownTable(
    ['image', 'what it is', 'what tries it'],
    ...rows.map(({ image, like, suite }) => [image, like, `\`npm run suite ${suite}\``]),
  );
  const [before, after] = page.split(/^\| image [\s\S]*?\n(?=\n)/m) as [string, string];
  await expect(`${before}${table}\n${after}`).toMatchFileSnapshot('../../docs/package.md');
});
