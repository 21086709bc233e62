// Opens a page in a browser, and stays.
// Usage: node examples/bound-browser/runner.mjs EXECUTABLE PROFILE

import puppeteer from 'puppeteer-core';

const [executablePath, userDataDir] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath,
  userDataDir,
  // The sandbox needs user namespaces, or root's help; most containers give neither.
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-sync',
  ],
  timeout: 0,
  protocolTimeout: 0,
});
const page = await browser.newPage();
await page.setContent('<title>A page</title>');
console.log(`${await browser.version()} shows: ${await page.title()}`);
