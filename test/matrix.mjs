// Runs the unit and integration tests under other versions of node, each installed from its npm package.
// Usage: node test/matrix.mjs [version ...] [-- vitest arguments]    (default: all supported versions)
// Writes build/test-report-<version>.json; the exit status is 1 if any run failed.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { installNode } from './helpers/npm-node.mjs';

const supported = ['20', '22', '24', '26'];
const root = resolve(import.meta.dirname, '..');

const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const versions = end > 0 ? args.slice(0, end) : supported;
const vitestArguments = args.slice(end + 1);

function run(version) {
  const bin = installNode(version);
  const exact = execFileSync(resolve(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\n=== node ${exact}`);
  const report = resolve(root, `build/test-report-${version}.json`);
  rmSync(report, { force: true });
  const { status } = spawnSync(
    resolve(bin, 'node'),
    [
      resolve(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...vitestArguments,
    ],
    {
      cwd: root,
      stdio: 'inherit',
      // The launcher, the apps and the workloads all find this `node`.
      env: { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) },
    },
  );
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
