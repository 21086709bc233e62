// Runs the integration tests as on a kernel before Linux 6.15, which does not tell how a reaped child ended: init then
// waits for its children. A seccomp filter refuses that one ioctl(2) to all processes that the tests start. With the
// newest node. Usage: node test/wait-loop.mjs [vitest arguments]    (default: the files in which it matters how init reaps)
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { compile } from './helpers/compile.mjs';
import { leaveOut } from './helpers/leave-out.mjs';

const root = resolve(import.meta.dirname, '..');
const refuse = resolve(root, 'build/refuse');

if (!compile(resolve(root, 'test/helpers/refuse.c'), refuse)) {
  leaveOut('all tests need a C compiler, for the filter: apt-get install gcc libc6-dev');
  process.exit(0);
}
const projects = ['integration', 'explanations', 'storms'].flatMap((name) => ['--project', name]);
const names = [
  'a-tree-ends-with-its-input',
  'a-tree-ends-with-its-owner',
  'a-stop-explains-itself',
  'daemons-keep-the-container-up',
  'events',
  'exit-status',
  'floods-of-signals',
  'init-lets-go',
  'init-never-blocks',
  'it-starts-or-says-why',
  'no-process-outlives-init',
  'orphans-are-reaped',
  'refused-calls',
  'signals-are-forwarded',
  'spawn-bound',
  'stopping-and-restarting',
  'the-kernel-reaps',
  'the-terminal-is-the-workloads',
  'the-workload-sees-no-difference',
];
const files = ['storms-of-processes', ...names].map((name) => `/${name}.test.ts`);
const given = process.argv.slice(2);
const filters = given.some((argument) => !argument.startsWith('-')) ? [] : files;
const { status } = spawnSync(
  refuse,
  [
    ...['PIDFD_GET_INFO', 'ENOTTY', process.execPath, resolve(root, 'test/matrix.mjs'), '26', '--'],
    ...[...projects, ...filters, ...given],
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);
