// Looks at every page of the built site in Chromium, narrow and wide, light and dark: no error in the console, nothing that
// is not found, no picture or diagram that is missing, in other colours than the page or too small to read, no label that is
// cut, nothing that is wider than the window.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import puppeteer from 'puppeteer-core';
import { leaveOut } from '../test/helpers/leave-out.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  leaveOut(`a look at the site needs Chromium: ${executablePath}, or $CHROMIUM`);
  process.exit(0);
}
const site = resolve(import.meta.dirname, '../build/site');
const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.html'),
);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Answers for a server: Chromium fails what is on its way when another program changes the machine's network. */
function answer(request) {
  const file = join(site, decodeURIComponent(new URL(request.url()).pathname));
  if (!existsSync(file)) return request.respond({ status: 404 });
  return request.respond({ contentType: types[extname(file)], body: readFileSync(file) });
}
const origin = 'http://site.invalid';

const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const browser = await puppeteer.launch({ executablePath, args });
const complaints = new Set();
for (const [width, height] of [
  [390, 844],
  [1360, 1000],
]) {
  const tab = await browser.newPage();
  await tab.setViewport({ width, height });
  await tab.setRequestInterception(true);
  tab.on('request', answer);
  let where = '';
  const complain = (what) => complaints.add(`${where}, ${width} wide: ${what}`);
  tab.on('console', (message) => message.type() === 'error' && complain(message.text()));
  tab.on('pageerror', ({ message }) => complain(message));
  tab.on('response', (response) => response.status() >= 400 && complain(`${response.url()} is not there`));
  for (const page of pages) {
    for (const scheme of ['light', 'dark']) {
      where = `${page}, ${scheme}`;
      await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      // A dark page is the light one after a change of the system's scheme.
      if (scheme === 'light') await tab.goto(`${origin}/${page}`, { waitUntil: 'load' });
      await tab.waitForFunction(isDrawn, { timeout: 120_000 }, scheme);
      for (const complaint of await tab.evaluate(lookAtPage, scheme)) complain(complaint);
    }
  }
  await tab.close();
}
await browser.close();
for (const complaint of complaints) console.error(complaint);
console.log(
  `${pages.length} pages looked at, narrow and wide, light and dark: ${complaints.size} complaints`,
);
if (complaints.size > 0) process.exitCode = 1;

/** Runs in the page: whether it has its colours, its pictures and its diagrams. */
function isDrawn(scheme) {
  const isDark = document.documentElement.classList.contains('dark');
  const pictures = [...document.images].every(({ complete }) => complete);
  const diagrams = [...document.querySelectorAll('.diagram')].every((diagram) =>
    diagram.querySelector('svg'),
  );
  return isDark === (scheme === 'dark') && pictures && diagrams;
}

/** Runs in the page. */
function lookAtPage(scheme) {
  const tooWide = document.documentElement.scrollWidth - window.innerWidth;
  return [
    ...(tooWide > 0 ? [`it is ${tooWide} pixels wider than the window`] : []),
    ...[...document.images]
      .filter(({ naturalWidth }) => naturalWidth === 0)
      .map(({ src }) => `${src} is no picture`),
    ...[...document.images]
      .filter((image) => getComputedStyle(image).colorScheme !== scheme)
      .map(({ alt }) => `the picture '${alt}' is not ${scheme}`),
    ...[...document.images]
      .filter(({ width, naturalWidth }) => width < 0.6 * naturalWidth)
      .map(
        ({ alt, width, naturalWidth }) =>
          `the picture '${alt}' is ${width} wide, of ${naturalWidth}: nobody can read it`,
      ),
    ...[...document.querySelectorAll('.diagram foreignObject')]
      .filter((label) => label.firstElementChild.scrollHeight > label.height.baseVal.value + 1)
      .map(({ textContent }) => `the label '${textContent}' is cut`),
  ];
}
