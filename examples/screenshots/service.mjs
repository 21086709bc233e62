// The workload: an HTTP service that takes screenshots. It does nothing about orphans; no such service does.
//
//   GET /screenshot?url=URL   image/png; 400: no URL, 502: the page does not load, 503: there is no browser
//   GET /status               the browser's pid, how many were launched, and what ended those that have ended
//   GET /page/N               a page to take a screenshot of; with ?hold its first answer stops half-way

import { once } from 'node:events';
import { createServer } from 'node:http';
import { BrowserUnavailable, firstLine, keepBrowser } from './browser.mjs';
import { pageHalves } from './pages.mjs';

process.title = 'node service';

const browser = keepBrowser();
const shots = new Set();
const heldPages = new Set();

const server = createServer(answer);
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
await once(server, 'listening');
console.log(`listening on http://127.0.0.1:${server.address().port}`);

process.once('SIGTERM', end);
process.once('SIGINT', end);

/** What is being taken is still delivered. */
async function end() {
  server.close();
  await Promise.allSettled(shots);
  await browser.close();
  server.closeAllConnections();
  process.exit();
}

function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
  const page = /^\/page\/(\d+)$/.exec(pathname)?.[1];
  if (request.method !== 'GET') sendText(response, 405, 'only GET is answered here');
  else if (pathname === '/screenshot') sendScreenshot(response, searchParams.get('url'));
  else if (pathname === '/status') sendJson(response, browser.status());
  else if (page !== undefined) sendPage(response, page, { hold: searchParams.has('hold') });
  else sendText(response, 404, 'there is /screenshot?url=URL, /status and /page/N');
}

async function sendScreenshot(response, url) {
  if (url === null || !/^https?:/.test(url) || !URL.canParse(url)) {
    sendText(response, 400, 'give ?url= an http or https URL');
    return;
  }
  const shot = browser.screenshot(url);
  shots.add(shot);
  try {
    const png = await shot;
    // Only a whole PNG gets here, and its length goes in front: what a client has in full cannot be broken.
    response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': png.length }).end(png);
  } catch (error) {
    sendText(response, error instanceof BrowserUnavailable ? 503 : 502, firstLine(error));
  } finally {
    shots.delete(shot);
  }
}

/**
 * A held page is never finished: it is there to have the browser killed over it, and announces that the
 * moment has come. Asked for again, by the next browser, it comes whole.
 */
function sendPage(response, number, { hold }) {
  const [first, second] = pageHalves(number);
  response.writeHead(200, { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' });
  if (!hold || heldPages.has(number)) {
    response.end(first + second);
    return;
  }
  heldPages.add(number);
  response.write(first, () => console.log(`holding page ${number}, browser ${browser.pid()}`));
}

function sendJson(response, value) {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function sendText(response, status, line) {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${line}\n`);
}
