// One browser, kept for all screenshots and replaced when it dies.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const args = [
  // The sandbox needs user namespaces, or root's help; most containers give neither.
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const LOAD_MS = 10_000;
/** A screenshot that the browser's death cuts short is taken once more, in the next browser. */
const ATTEMPTS = 2;

/** There is no browser to take the screenshot with. The message is one line. */
export class BrowserUnavailable extends Error {}

export function keepBrowser() {
  /** @type {ReturnType<typeof launch> | undefined} */
  let current;
  /** The browser that `current` became, while it lives. */
  let pid;
  let launched = 0;
  /** How often a browser ended with what: a signal's name, or an exit code. */
  const exits = {};
  const removals = new Set();

  async function launch() {
    // Short names: the browser makes a socket below, and unix(7) has room for a path of 107 bytes.
    const directory = await mkdtemp(join(tmpdir(), 'browser-'));
    try {
      const browser = await puppeteer.launch({
        executablePath,
        args,
        pipe: true,
        userDataDir: directory,
        // Where else a killed browser leaves something: the crash reporter's files, a socket's directory.
        env: { ...process.env, HOME: directory, TMPDIR: directory },
        // When to end is the service's own affair.
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      });
      launched++;
      pid = browser.process().pid;
      return { browser, exited: watch(browser, directory) };
    } catch (error) {
      // Or every later request would get the same failure.
      current = undefined;
      await remove(directory);
      throw new BrowserUnavailable(`the browser does not start: ${firstLine(error)}`);
    }
  }

  /** Waits for the browser's end, counts it, and clears up behind it. */
  async function watch(browser, directory) {
    const child = browser.process();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const how = child.signalCode ?? child.exitCode;
    exits[how] = (exits[how] ?? 0) + 1;
    current = undefined;
    pid = undefined;
    const removal = remove(directory).finally(() => removals.delete(removal));
    removals.add(removal);
    // Rejects what still waits for the dead browser's answer.
    await browser.disconnect().catch(() => {});
  }

  /**
   * @param {string} url
   * @returns {Promise<Uint8Array>} a PNG
   * @throws {BrowserUnavailable} if the browser does not start, or died at every attempt
   * @throws {Error} if the page cannot be loaded
   */
  async function screenshot(url) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      current ??= launch();
      const { browser, exited } = await current;
      // The exit is watched beside the connection: helpers outlive the browser for a moment, and may hold
      // that open.
      const shot = shoot(browser, url).then(
        (png) => ({ png }),
        (error) => ({ error }),
      );
      const { png, error } = (await Promise.race([shot, exited])) ?? {};
      if (png !== undefined) return png;
      if (error !== undefined && browser.connected) throw error;
      // One that lives on without a connection is of no use to anybody.
      browser.process().kill('SIGKILL');
      await exited;
    }
    throw new BrowserUnavailable(`the browser died at each of ${ATTEMPTS} attempts`);
  }

  async function close() {
    const kept = await current?.catch(() => {});
    await kept?.browser.close();
    await kept?.exited;
    await Promise.all(removals);
  }

  return { screenshot, close, pid: () => pid, status: () => ({ pid, launched, exits }) };
}

async function shoot(browser, url) {
  const page = await browser.newPage();
  try {
    await page.goto(url, { waitUntil: 'load', timeout: LOAD_MS });
    return await page.screenshot({ type: 'png' });
  } finally {
    // Fails if the browser is gone, and its pages with it.
    await page.close().catch(() => {});
  }
}

/** Tries again for a second: the browser's helpers live a little longer than it, and may write meanwhile. */
async function remove(directory) {
  await rm(directory, { recursive: true, force: true, maxRetries: 4, retryDelay: 100 }).catch((error) => {
    console.error(`cannot remove ${directory}: ${error.message}`);
  });
}

export function firstLine(error) {
  return String(error.message).split('\n', 1)[0];
}
