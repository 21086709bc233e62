import { dirname, isAbsolute, join } from 'node:path';
import { ownFile } from '../native/require.ts';
import { filesInPath, isMissing, whyNotExecutable } from './why-not-runnable.ts';

/** Finds a file of this package, wherever in the package this code runs from. @throws Error if it is not there */
export function findInPackage(name: 'bin/subreaper' | 'dist/windows-job.cjs'): string {
  for (let folder = dirname(ownFile()); ; folder = dirname(folder)) {
    const file = join(folder, name);
    if (!isMissing(file)) return file;
    if (folder === dirname(folder)) {
      throw new Error(`spawnBound: ${name} is missing; reinstall subreaper, and do not bundle it`);
    }
  }
}

/**
 * Finds a node for init: the file that this process runs, or else the first in its PATH.
 * @param env what init will get
 * @throws Error if there is none
 */
export function findNode(env: NodeJS.ProcessEnv): string {
  const own = process.execPath;
  const isNode = runsScripts(env);
  if (isNode && isExecutable(own)) return own;
  // Init may start in another directory.
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = filesInPath(name, process.env['PATH']).find((file) => isAbsolute(file) && isExecutable(file));
  if (node !== undefined) return node;
  const why = isNode ? `node is no longer at ${own}` : 'this program is an app that cannot run subreaper';
  throw new Error(`spawnBound: ${why}; install node, and add its directory to PATH`);
}

/** Whether the file of this process runs the script that it gets. A packed app would start itself again instead. */
function runsScripts(env: NodeJS.ProcessEnv): boolean {
  if ('pkg' in process) return false;
  if (process.versions['electron'] !== undefined) return Boolean(env['ELECTRON_RUN_AS_NODE']);
  return !process.getBuiltinModule('node:sea').isSea();
}

function isExecutable(file: string): boolean {
  return whyNotExecutable(file) === undefined;
}
