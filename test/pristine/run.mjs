// The README's two commands as a new user types them, on a Debian that has node, npm and git and nothing else: as root, and
// as an ordinary user who may not make user namespaces.
// Usage: node test/pristine/run.mjs [root] [user]    (default: both)
// Leaves build/pristine/<pass>.log and .json; the exit status is 1 if a command failed.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { passOn } from '../helpers/leave-out.mjs';
import { provideDebian, user } from './debian.mjs';
import { provideNetwork } from './network.mjs';
import { runInRoom } from './room.mjs';

const repository = resolve(import.meta.dirname, '../..');
const folder = join(repository, 'build/pristine');
/** What a pass writes. It goes with the pass. */
const changes = join(folder, 'changes');
const report = 'build/pristine.json';
const commands = [
  'npm ci && npm run demo',
  `npm ci && npm test -- --reporter=default --reporter=json --outputFile.json=${report}`,
];
const users = { root: { id: 0, home: '/root' }, user };

/** Prints a line once the task has ended. */
async function step(name, task) {
  const since = performance.now();
  const result = await task();
  console.log(`${name}: ${Math.round((performance.now() - since) / 1000)} s`);
  return result;
}

/** @returns {string} the clone, as this machine sees it */
function clone({ id, home }) {
  rmSync(changes, { recursive: true, force: true, maxRetries: 10 });
  const root = join(changes, 'upper');
  const ownHome = join(root, home);
  mkdirSync(resolve(ownHome, '..'), { recursive: true });
  mkdirSync(ownHome, { mode: 0o700 });
  provideNetwork(root, home);
  const target = join(ownHome, 'subreaper');
  // Objects that are linked would change their owner with the clone.
  execFileSync('git', ['clone', '--quiet', '--local', '--no-hardlinks', repository, target]);
  execFileSync('chown', ['-R', `${id}:${id}`, ownHome]);
  return target;
}

/** @returns {Promise<boolean>} whether both commands have passed */
async function runPass(name, debian, signal) {
  const { id, home } = users[name];
  const log = join(folder, `${name}.log`);
  rmSync(log, { force: true });
  const target = await step(`${name}: clone`, () => clone(users[name]));
  const statuses = [];
  for (const command of commands) {
    if (signal.aborted) return false;
    const shown = `${name}: ${command.replace(/ -- .*/, '')}`;
    const run = () =>
      runInRoom(
        { debian, changes, user: id, env: { HOME: home } },
        `cd ${home}/subreaper && ${command}`,
        log,
        signal,
      );
    const status = await step(shown, run);
    if (status !== 0) console.log(`${shown} ended with ${status}; see ${log}`);
    statuses.push(status);
  }
  const { passed, failed, skipped } = readReport(name, join(target, report));
  passOn(log);
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return passed > 0 && statuses.every((status) => status === 0);
}

function readReport(name, file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  for (const to of [folder, process.env.REPORTS ?? folder]) copyFileSync(file, join(to, `${name}.json`));
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  for (const { name: file, message, assertionResults } of testResults) {
    if (message) console.log(`FAILED ${file}\n${message}`);
    for (const { status, fullName, failureMessages } of assertionResults)
      if (status === 'failed') console.log(`FAILED ${file}\n${fullName}\n${failureMessages.join('\n')}`);
  }
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
}

async function main() {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'not root, and only root makes a Debian; run it as root, with debootstrap and util-linux',
    );
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => interrupted.abort());
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(users);
  const unknown = names.find((name) => !(name in users));
  if (unknown !== undefined)
    throw new Error(`no pass is called '${unknown}'; say root, user, or nothing for both`);
  let isGood = true;
  try {
    const debian = await step('debian, node and npm', () => provideDebian(folder));
    for (const name of names) {
      if (interrupted.signal.aborted) return 130;
      isGood = (await runPass(name, debian, interrupted.signal)) && isGood;
    }
  } finally {
    rmSync(changes, { recursive: true, force: true, maxRetries: 10 });
  }
  return isGood ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(`pristine: ${error.message}`);
  return 1;
});
