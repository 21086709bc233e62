import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { pages as documentation, root } from '../helpers/documentation.ts';

const pages = [
  ...documentation,
  ...['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md'],
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
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-');
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

test.each(['src/index.ts', 'src/testing/index.ts'])('docs/api.md has every name that %s exports', (index) => {
  const names = [...read(index).matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.replace('type ', '').trim())
    .filter((name) => name !== '');
  expect(names.length).toBeGreaterThan(5);
  const headings = [...read('docs/api.md').matchAll(/^### (\w+)/gm)].map(([, name]) => name as string);
  expect(names.filter((name) => !headings.includes(name))).toEqual([]);
});
