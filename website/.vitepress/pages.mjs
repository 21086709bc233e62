// The pages of the site: files of the repository, each at its own path. They are copied, because a page must be below the
// folder that has Vue.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');
const pages =
  /^(README|CHANGELOG|CONTRIBUTING|RELEASING|SECURITY|bench\/(README|results)|docs\/[^/]+|examples\/[^/]+\/README)\.md$/;
const pictures = /^(docs|bench\/plots)\/[^/]+\.svg$/;

/** Copies pages and pictures. A README is the index of its folder there. */
export function copyPages(target) {
  rmSync(target, { recursive: true, force: true });
  for (const file of filesOf('', 'docs', 'bench', 'bench/plots', ...filesOf('examples'))) {
    if (!pages.test(file) && !pictures.test(file)) continue;
    const copy = join(target, file.replace(/README\.md$/, 'index.md'));
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(join(root, file), copy);
  }
}

function filesOf(...folders) {
  return folders
    .filter((folder) => !/\.\w+$/.test(folder))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));
}

/** @returns the names of the examples that have a page */
export function examples() {
  return filesOf(...filesOf('examples')).flatMap((file) => /([^/]+)\/README\.md$/.exec(file)?.[1] ?? []);
}

/**
 * The README's table of pages, whose columns are the groups of the sidebar: one list of names for both.
 * @returns {{ text: string, pages: { name: string, file: string }[] }[]}
 */
export function tableOfPages() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section] = readme.split('\n## Documentation\n');
  const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row]) =>
    row.split('|').map((cell) => cell.trim()),
  );
  const [heads, , ...cells] = rows;
  return heads.map((text, column) => ({
    text,
    pages: cells.flatMap((row) => {
      const [, name, file] = /^\[(.*)\]\((.*)\)$/.exec(row[column]) ?? [];
      return name === undefined ? [] : [{ name, file }];
    }),
  }));
}

/** The anchor that GitHub gives a heading, so that a link holds in both places. */
export function anchorOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');
}

/** The first heading of a page. */
export function headingOf(file) {
  return /^# (.*)$/m.exec(readFileSync(join(root, file), 'utf8'))[1].replaceAll('`', '');
}

/** Files that a page links to and that are no pages. The build copies them, so that no link is dead. */
export const linkedFiles = new Set();

/**
 * Where a link of a page leads on the site.
 * @param {string} href
 * @param {string} copy  the page's path on the site
 */
export function linkOnSite(href, copy) {
  if (/^(\w+:|#|\/\/)/.test(href)) return href;
  const page = existsSync(join(root, copy)) ? copy : copy.replace(/index\.md$/, 'README.md');
  const file = normalize(join(dirname(page), href.split('#')[0]));
  if (file.startsWith('..') || !existsSync(join(root, file)))
    throw new Error(`${page}: a link to ${href}, which is not there`);
  if (pages.test(file)) return href.replace(/README\.md/, 'index.md');
  linkedFiles.add(file);
  return href;
}
