import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LibraryHandle } from 'koffi';

import { detectLibc } from './libc.ts';
import { ownFile, requireModule } from './require.ts';

type Koffi = typeof import('koffi');

/** koffi's folder, found as node would find it from here. Node's own resolution spends 1 ms on package.json files. */
function findKoffi(): string | undefined {
  for (let folder = dirname(ownFile()); ; folder = dirname(folder)) {
    const candidate = `${folder}/node_modules/koffi`;
    if (existsSync(candidate)) return realpathSync.native(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Whether a shared object ends before its section headers do: linkers put them last, elf(5). dlopen(3) would map such a
 * file, and the first use of the missing part would end the process with SIGBUS.
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

/** Where npm and pnpm put koffi's platform packages, in the version that koffi needs: below koffi and beside it. */
function platformFolders(): string[] {
  const koffi = findKoffi();
  return koffi === undefined ? [] : [`${koffi}/node_modules/@koromix`, `${dirname(koffi)}/@koromix`];
}

/** The platforms that koffi is installed for: linux-x64, darwin-arm64. */
function installedPlatforms(): string[] {
  return platformFolders()
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder))
    .filter((name) => name.startsWith('koffi-'))
    .map((name) => name.slice('koffi-'.length));
}

/**
 * Loads the addon from koffi's platform package, in 1 ms. koffi's own entry takes 9: it detects the platform, parses
 * headers and sets up a type library, none of which is needed here.
 */
function loadAddon(): Koffi | undefined {
  if (process.platform !== 'linux') return undefined;
  const { arch } = process;
  const folder = `${detectLibc() === 'musl' ? 'musl' : 'linux'}_${arch}`;
  for (const parent of platformFolders()) {
    const file = `${parent}/koffi-linux-${arch}/${folder}/koffi.node`;
    if (!existsSync(file)) continue;
    if (isCutShort(file)) throw new Error(`${file} is cut short`);
    const addon = { exports: {} };
    process.dlopen(addon, file);
    return addon.exports as Koffi;
  }
  return undefined;
}

/** Why process.dlopen or require failed, and what the user can do about it. */
function explain(error: NodeJS.ErrnoException): string {
  const why = error.message.split('\n')[0]?.replace(/\.$/, '');
  // --no-addons forbids addons, and so does the permission model by default.
  if (error.code === 'ERR_DLOPEN_DISABLED') {
    return `(${why}); start node ${'permission' in process ? 'with --allow-addons' : 'without --no-addons'}`;
  }
  const installed = installedPlatforms();
  const needed = `${process.platform}-${process.arch}`;
  return installed.length === 0 || installed.includes(needed)
    ? `(${why}); install subreaper with its optional dependencies`
    : `(node_modules has it for ${installed.join(' and ')}, and this is ${needed}); install the packages on this platform`;
}

/** A test compares the layouts and constants of this folder with the C headers of these. */
const checkedArchitectures: readonly string[] = ['x64', 'arm64'];

function loadKoffi(): Koffi {
  if (!checkedArchitectures.includes(process.arch)) {
    throw new Error(
      `its system calls are not checked on ${process.arch}; use ${checkedArchitectures.join(' or ')}`,
    );
  }
  try {
    // koffi itself finds its addon in any other layout, and one that was built from source.
    return loadAddon() ?? (requireModule('koffi') as Koffi);
  } catch (error) {
    // With its code: for want of a descriptor it may succeed a moment later.
    const { code } = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(`koffi cannot be loaded ${explain(error as Error)}`), { code });
  }
}

let loaded: Koffi | undefined;

/**
 * The foreign function interface, loaded on first use: importing the rooms above works on any platform.
 * @throws Error where koffi is not installed, or has no addon for this platform
 */
export function koffi(): Koffi {
  loaded ??= loadKoffi();
  return loaded;
}

let program: LibraryHandle | undefined;
let readErrno: () => number = () => 0;
let errnoOfLastFailure = 0;

/** errno(3) of the last bound call that returned -1. */
export function lastErrno(): number {
  return errnoOfLastFailure;
}

/**
 * Binds a C function on its first call, so that start-up pays only for the functions it calls.
 * @param prototype as in the manual page. 'str' is a string that ends with NUL; an address may also be an intptr_t
 */
export function bind<Parameters extends unknown[], Result>(
  prototype: string,
): (...args: Parameters) => Result {
  let bound: ((...args: Parameters) => Result) | undefined;
  return (...args) => {
    if (bound === undefined) {
      // null is the running program: node exports libuv's functions and links to the C library.
      program ??= koffi().load(null);
      readErrno = koffi().errno;
      readErrno();
      bound = program.func(prototype) as unknown as (...args: Parameters) => Result;
    }
    const returned = bound(...args);
    // Read errno at once: V8 may make failing system calls next, to compile a function say.
    if (returned === -1) errnoOfLastFailure = readErrno();
    return returned;
  };
}

const dlsymCall = bind<[number, string], unknown>('void *dlsym(intptr_t, str)');
const RTLD_DEFAULT = 0;

/** The address of a C function, dlsym(3). */
export function addressOf(name: string): unknown {
  return dlsymCall(RTLD_DEFAULT, name);
}
