import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Page } from 'puppeteer-core';
import { launcher } from './environment.ts';

const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Gives a page of a new browser to a task. The browser runs below init, so that no helper of it outlives the task. */
export async function inChromium<Result>(task: (page: Page) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'browser-'));
  const options = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--remote-debugging-pipe',
  ];
  const browser = await puppeteer.launch({
    executablePath: launcher,
    ignoreDefaultArgs: true,
    args: ['-q', '--', chromium, ...options, `--user-data-dir=${folder}`],
    pipe: true,
    timeout: 0,
    protocolTimeout: 0,
    env: { ...process.env, HOME: folder, TMPDIR: folder },
  });
  const ended = new Promise((resolve) => browser.process()?.on('exit', resolve));
  try {
    return await task(await browser.newPage());
  } finally {
    await browser.close();
    await ended;
    rmSync(folder, { recursive: true, maxRetries: 5 });
  }
}
