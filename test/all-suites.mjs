import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { commitOf } from './helpers/commit.mjs';
import { suites } from './suites.mjs';

const root = resolve(import.meta.dirname, '..');
const reportOf = (name) => resolve(root, `build/report/${name}.json`);
const read = (name) =>
  existsSync(reportOf(name)) ? JSON.parse(readFileSync(reportOf(name), 'utf8')) : undefined;

/** A suite that left everything out has shown nothing. One that does not run vitest counts no tests. */
const isGreen = ({ status, passed }) => status === 0 && passed !== 0;

/**
 * Runs all suites, never two at once, and tells in a table how they ended.
 * @param {boolean} isResumed  leaves out what has passed at this commit, as a whole
 * @returns {Promise<number>} 0 if all have passed, otherwise 1: also if one left everything out
 */
export async function runAll(isResumed) {
  const names = Object.keys(suites).filter((name) => !suites[name].isPart);
  const commit = commitOf(root);
  const hasPassed = (name) => {
    const report = read(name) ?? {};
    const { commit: at, arguments: given = [] } = report;
    return isGreen(report) && at === commit && commit !== 'changed' && given.length === 0;
  };
  const left = isResumed ? names.filter((name) => !hasPassed(name)) : names;
  let isInterrupted = false;
  let running;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      isInterrupted = true;
      running?.kill();
    });
  for (const name of left) rmSync(reportOf(name), { force: true });
  for (const [index, name] of left.entries()) {
    if (isInterrupted) break;
    console.log(`\n=== ${name}, ${index + 1} of ${left.length}`);
    running = spawn(process.execPath, [resolve(import.meta.dirname, 'suite.mjs'), name], {
      cwd: root,
      stdio: 'inherit',
    });
    await once(running, 'exit');
  }
  const ended = names.map((name) => ({ suite: name, status: 'not run', ...read(name) }));
  console.log();
  const columns = ['commit', 'status', 'passed', 'failed', 'skipped', 'minutes'];
  console.table(Object.fromEntries(ended.map((report) => [report.suite, report])), columns);
  for (const { suite, leftOut = [] } of ended)
    if (leftOut.length > 0) console.log(`${suite}: ${leftOut.join('\n  ')}`);
  return ended.every(isGreen) && !isInterrupted ? 0 : 1;
}
