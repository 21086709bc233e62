// Looks for dead links in the built site: pages, files, pictures and anchors.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const site = resolve(import.meta.dirname, '../build/site');
const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.html'),
);
const texts = new Map(pages.map((file) => [file, readFileSync(join(site, file), 'utf8')]));
const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
const idsOf = (text) => new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => unescaped(id)));
const ids = new Map([...texts].map(([file, text]) => [file, idsOf(text)]));

let count = 0;
const dead = [];
for (const [page, text] of texts) {
  for (const [, attribute] of text.matchAll(/ (?:href|src)="([^"]*)"/g)) {
    const link = decodeURIComponent(unescaped(attribute));
    if (link === '' || /^(\w+:|\/\/)/.test(link)) continue;
    count++;
    const complaint = complaintAbout(link, page);
    if (complaint) dead.push(`${page}: ${link} ${complaint}`);
  }
}
for (const line of new Set(dead)) console.error(line);
console.log(`${pages.length} pages, ${count} links inside the site, ${new Set(dead).size} dead`);
if (pages.length === 0 || dead.length > 0) process.exitCode = 1;

/** @returns what is wrong with a link; undefined if it holds */
function complaintAbout(link, page) {
  const [path = '', anchor = ''] = link.split('#');
  const [pathname] = path.split('?');
  const start = pathname.startsWith('/') ? site : dirname(join(site, page));
  const file = pathname === '' ? page : fileAt(join(start, pathname));
  if (file === undefined) return 'is not there';
  if (anchor !== '' && ids.has(file) && !ids.get(file).has(anchor)) return 'has no such anchor';
  return undefined;
}

function fileAt(path) {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path;
  return existsSync(file) ? relative(site, file) : undefined;
}
