import { closeSync, existsSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LibraryHandle, TypeObject } from 'koffi';

import { ownFile, requireModule } from './require.ts';

type Koffi = typeof import('koffi');

let detected: 'glibc' | 'musl' | undefined;

/**
 * The C library that the running node was linked to, read from its ELF interpreter as koffi does. The program
 * header that names the interpreter follows the ELF header, so the first page holds it.
 */
export function detectLibc(): 'glibc' | 'musl' {
  detected ??= readLibc();
  return detected;
}

function readLibc(): 'glibc' | 'musl' {
  const firstPage = Buffer.alloc(4096);
  let file: number;
  try {
    file = openSync(process.execPath, 'r');
  } catch {
    // Without /proc node does not know its own path. Its report knows the library, and takes its time.
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  }
  try {
    readSync(file, firstPage);
  } finally {
    closeSync(file);
  }
  return firstPage.includes('/ld-musl-') ? 'musl' : 'glibc';
}

/** koffi's folder, where node would find it from here: its own resolution reads package.json files for 1 ms. */
function findKoffi(): string | undefined {
  for (let folder = dirname(ownFile); ; folder = dirname(folder)) {
    const candidate = `${folder}/node_modules/koffi`;
    if (existsSync(candidate)) return realpathSync.native(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Whether a shared object ends before its section headers do, which linkers put last: elf(5). dlopen(3) would map such a
 * file, and SIGBUS would end the process on first use of the missing part.
 */
function isCutShort(file: string): boolean {
  const header = new BigUint64Array(8);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header);
    const halves = new Uint16Array(header.buffer);
    const [offset, entrySize, entries] = [header[5], halves[29], halves[30]] as [bigint, number, number];
    return fstatSync(descriptor).size < Number(offset) + entrySize * entries;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * koffi's own entry detects the platform, parses headers and sets up a type library: 9 ms. The addon in its
 * platform package is all that is needed here, and loads in 1. It is looked for below koffi and beside it, as npm
 * and pnpm lay it out, so that its version is koffi's.
 */
function loadAddon(): Koffi | undefined {
  const { arch } = process;
  const folder = `${detectLibc() === 'musl' ? 'musl' : 'linux'}_${arch}`;
  const koffi = findKoffi();
  if (koffi === undefined) return undefined;
  for (const parent of [`${koffi}/node_modules`, dirname(koffi)]) {
    const file = `${parent}/@koromix/koffi-linux-${arch}/${folder}/koffi.node`;
    if (!existsSync(file)) continue;
    if (isCutShort(file)) throw new Error(`${file} is cut short`);
    const addon = { exports: {} };
    process.dlopen(addon, file);
    return addon.exports as Koffi;
  }
  return undefined;
}

/** What helps against an error of process.dlopen or require. */
function adviceFor(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ERR_DLOPEN_DISABLED') return 'install subreaper with its optional dependencies';
  // Node forbids addons where it has been told to, and by default where it runs with permissions.
  return 'permission' in process ? 'start node with --allow-addons' : 'start node without --no-addons';
}

/** Those for which a test has compared the layouts and constants of this folder with the C headers. */
const checkedArchitectures: readonly string[] = ['x64', 'arm64'];

function loadKoffi(): Koffi {
  if (!checkedArchitectures.includes(process.arch)) {
    throw new Error(
      `${process.arch} is no architecture that it is checked on; use ${checkedArchitectures.join(' or ')}`,
    );
  }
  try {
    // Where there is another layout, or an addon built from source, koffi itself knows.
    return loadAddon() ?? (requireModule('koffi') as Koffi);
  } catch (error) {
    const why = (error as Error).message.split('\n')[0]?.replace(/\.$/, '');
    throw new Error(`koffi cannot be loaded (${why}); ${adviceFor(error as Error)}`);
  }
}

let loaded: Koffi | undefined;

/**
 * The foreign function interface. It is loaded on first use, so that the rooms above can be imported anywhere.
 * @throws Error where koffi is not installed, or has no addon for this platform
 */
export function koffi(): Koffi {
  loaded ??= loadKoffi();
  return loaded;
}

let program: LibraryHandle | undefined;
let readErrno: () => number = () => 0;
let errnoOfLastFailure = 0;

/** errno(3) as the last foreign call that returned -1 left it. */
export function lastErrno(): number {
  return errnoOfLastFailure;
}

/**
 * Binds a C function when it is first called, so that start-up pays for no call it does not make. Marked as pure where it
 * is used: a bundle leaves out what it does not call.
 */
export function bind<Parameters extends unknown[], Result>(
  name: string,
  result: string,
  parameters: readonly (string | TypeObject)[],
): (...args: Parameters) => Result {
  let bound: ((...args: Parameters) => Result) | undefined;
  return (...args) => {
    if (bound === undefined) {
      // The running program: node exports libuv's functions, and the C library's are reachable from it.
      program ??= koffi().load(null);
      readErrno = koffi().errno;
      readErrno();
      bound = program.func(name, result, [...parameters]) as unknown as (...args: Parameters) => Result;
    }
    const returned = bound(...args);
    // Here and nowhere later: whatever V8 does next, compile a function say, may make system calls that fail.
    if (returned === -1) errnoOfLastFailure = readErrno();
    return returned;
  };
}
