// The integration tests where everything is linked to musl, as in Alpine: node, sh and the other programs. vitest runs there
// too, from what npm installs there.
// Usage: npm run suite musl -- [version ...] [-- vitest arguments]
// The default: integration, storms and the dialects, on all versions.
// Leaves build/musl/<version>.log and build/report/vitest/musl-<version>.json; the exit status is 1 if a run failed.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { passOn } from '../helpers/leave-out.mjs';
import { provideNetwork } from '../pristine/network.mjs';
import { path, runInRoom } from '../pristine/room.mjs';
import { reportArguments, reports } from '../suites.mjs';
import { compileForMusl } from './compile.mjs';
import { binOf, provideRoot, versions } from './root.mjs';

const repository = resolve(import.meta.dirname, '../..');
const folder = join(repository, 'build/musl');
/** What a run writes. It goes with the run. */
const changes = join(folder, 'changes');
const clone = join(changes, 'upper/root/subreaper');

const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const chosen = end > 0 ? args.slice(0, end) : versions;
const projects = ['integration', 'storms', 'comparison'].flatMap((name) => ['--project', name]);
/** Of the comparison that of the dialects: its other file compares inits, whatever their C library. */
const everything = [...projects, 'test/integration', 'test/storms', 'drop-in'];
const vitestArguments = end + 1 < args.length ? args.slice(end + 1) : everything;

function makeClone() {
  rmSync(changes, { recursive: true, force: true, maxRetries: 10 });
  mkdirSync(resolve(clone, '..'), { recursive: true });
  provideNetwork(join(changes, 'upper'), 'root');
  execFileSync('git', ['clone', '--quiet', '--local', '--no-hardlinks', repository, clone]);
  // There is no compiler in the room.
  mkdirSync(join(clone, 'build'));
  for (const name of ['actor', 'refuse', 'inject'])
    compileForMusl(join(clone, `test/helpers/${name}.c`), join(clone, 'build', name));
}

/** @returns {Promise<boolean>} whether the command succeeded */
async function runWith(version, script, signal) {
  const log = join(folder, `${version}.log`);
  const env = { HOME: '/root', PATH: `${binOf(version)}:${path}` };
  const room = { debian: await provideRoot(folder), changes, user: 0, env };
  const since = performance.now();
  const status = await runInRoom(room, `cd /root/subreaper && ${script}`, log, signal);
  const seconds = Math.round((performance.now() - since) / 1000);
  console.log(
    `node ${version}: ${script.split(' --')[0]} ended with ${status} after ${seconds} s; see ${log}`,
  );
  return status === 0;
}

async function runTests(version, signal) {
  const name = `musl-${version}`;
  const isGood = await runWith(
    version,
    // In a session of its own: the group of a process outside has no number in the room.
    ['setsid npx vitest run', ...reportArguments(name), ...vitestArguments].join(' '),
    signal,
  );
  const report = join(clone, reports, `${name}.json`);
  if (!existsSync(report)) return false;
  mkdirSync(join(repository, reports), { recursive: true });
  copyFileSync(report, join(repository, reports, `${name}.json`));
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  passOn(join(folder, `${version}.log`));
  console.log(
    `node ${version}: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`,
  );
  return isGood && numPassedTests > 0;
}

async function main() {
  if (process.getuid?.() !== 0) throw new Error('not root, and only root may mount; run it as root');
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => interrupted.abort());
  for (const version of chosen) {
    if (!versions.includes(version))
      throw new Error(`no node ${version} for musl; say ${versions.join(', ')}, or nothing for all`);
    rmSync(join(folder, `${version}.log`), { force: true });
  }
  let isGood = true;
  try {
    await provideRoot(folder);
    makeClone();
    // With the newest: npm leaves out an addon of vitest's that is said to need a newer one than Node 20.18.
    if (!(await runWith(versions.at(-1), 'npm ci && npm run --silent build', interrupted.signal))) return 1;
    for (const version of chosen) {
      if (interrupted.signal.aborted) return 130;
      isGood = (await runTests(version, interrupted.signal)) && isGood;
    }
  } finally {
    rmSync(changes, { recursive: true, force: true, maxRetries: 10 });
  }
  return isGood ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(`musl: ${error.message}`);
  return 1;
});
