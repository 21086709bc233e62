import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { anchorOf, headingOf, tableOfPages } from '../../website/.vitepress/pages.mjs';
import { pages as documentation, root } from '../helpers/documentation.ts';

const pages = [
  ...documentation,
  ...['CHANGELOG.md', 'CONTRIBUTING.md', 'RELEASING.md', 'SECURITY.md', 'bench/README.md'],
  ...readdirSync(join(root, 'examples'))
    .map((name) => `examples/${name}/README.md`)
    .filter((file) => existsSync(join(root, file))),
];
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Without code, in which nothing is a link. */
const prose = (markdown: string) =>
  markdown.replace(/^( *)```[\s\S]*?^\1```/gm, '').replace(/`[^`\n]*`/g, '');

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)) {
    const slug = anchorOf(heading);
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

test.each(pages)('%s: every link within the repository holds', (page) => {
  const dead = [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link as string)
    .filter((link) => !/^\w+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor);
    });
  expect(dead).toEqual([]);
});

const pictures = ['docs', 'bench/plots'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.svg'))
    .map((name) => `${folder}/${name}`),
);

test.each(pictures)('%s has colours for a light and for a dark page', (picture) => {
  const [style = '', ...others] = read(picture).match(/<style>:root[\s\S]*?<\/style>/g) ?? [];
  expect(others).toEqual([]);
  const declared = (css: string) => [...css.matchAll(/--(\w+):#[0-9a-f]{6}/g)].map(([, name]) => name);
  const [light = '', dark = ''] = style.split('@media (prefers-color-scheme:dark)');
  expect(declared(light).length).toBeGreaterThan(0);
  expect(declared(dark)).toEqual(declared(light));
  const fixed = /(?<![\w-])(?:fill|stroke|color|background)[=:] ?"?(?:#|rgb|white|black)/;
  expect(read(picture).replace(style, '')).not.toMatch(fixed);
});

test("README's table, which is the site's sidebar, has each page once, under the page's own heading", () => {
  const table = tableOfPages().flatMap((column) => column.pages);
  const isInTable = (page: string) => /^docs\//.test(page) || page === 'SECURITY.md';
  expect(table.map(({ file }) => file).sort()).toEqual(pages.filter(isInTable).sort());
  expect(table.filter(({ name, file }) => name !== headingOf(file))).toEqual([]);
});

test('CHANGELOG begins with the version of package.json, or with what is to come', () => {
  const { version } = JSON.parse(read('package.json'));
  const [, newest = ''] = /^## (.*)$/m.exec(read('CHANGELOG.md')) ?? [];
  expect(['Unreleased', version]).toContain(newest.replace(/ - \d{4}-\d\d-\d\d$/, ''));
});

test.each(['src/index.ts', 'src/testing/index.ts'])('docs/api.md has every name that %s exports', (index) => {
  const names = [...read(index).matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.replace('type ', '').trim())
    .filter((name) => name !== '');
  expect(names.length).toBeGreaterThan(5);
  const headings = [...read('docs/api.md').matchAll(/^### (\w+)/gm)].map(([, name]) => name as string);
  expect(names.filter((name) => !headings.includes(name))).toEqual([]);
});
