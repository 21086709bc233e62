// Runs the unit and integration tests under other versions of node, each installed from its npm package. init starts
// prepared there, as `npm test` does not.
// Usage: npm run suite matrix -- [version ...] [-- vitest arguments]    (default: all supported versions)
// Writes build/report/vitest/node-VERSION-PROJECTS.json; the exit status is 1 if any run failed.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { installNode } from './helpers/npm-node.mjs';
import { reportArguments, reports } from './suites.mjs';

const supported = ['20', '22', '24', '26'];
const root = resolve(import.meta.dirname, '..');
const launcher = resolve(root, 'bin/subreaper');

const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const versions = end > 0 ? args.slice(0, end) : supported;
const everyday = ['--project', 'unit', '--project', 'integration'];
const vitestArguments = end + 1 < args.length ? args.slice(end + 1) : everyday;
const projects = vitestArguments.filter((_, index) => vitestArguments[index - 1] === '--project');

function run(version) {
  const bin = installNode(version);
  const exact = execFileSync(resolve(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\n=== node ${exact}`);
  const name = [`node-${version}`, ...projects].join('-');
  const report = resolve(root, reports, `${name}.json`);
  rmSync(report, { force: true });
  // The launcher, the apps and the workloads all find this `node`.
  const env = { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) };
  for (const command of [[launcher], [resolve(bin, 'node'), launcher]])
    execFileSync(command[0], [...command.slice(1), 'prepare'], { env, stdio: 'inherit' });
  const { status } = spawnSync(
    resolve(bin, 'node'),
    [resolve(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reportArguments(name), ...vitestArguments],
    { cwd: root, stdio: 'inherit', env },
  );
  for (const way of ['launcher', 'node'])
    rmSync(resolve(root, `dist/cli-${exact}-${process.arch}-${way}.cache`), { force: true });
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  return {
    node: exact,
    passed: counts.numPassedTests ?? 0,
    failed: counts.numFailedTests ?? 0,
    skipped: counts.numPendingTests ?? 0,
    status: status ?? 1,
  };
}

const results = versions.map(run);
console.log();
console.table(results);
process.exitCode = results.every(({ status, passed }) => status === 0 && passed > 0) ? 0 : 1;
