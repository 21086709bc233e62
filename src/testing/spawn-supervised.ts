import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anArray, anObject, aString, checkOptions } from '../in-process/check-options.ts';

/** What init is given: a tree that ignores SIGTERM must not outlive a test run by more than this. */
const supervision = [
  ...['--parent-death-signal', 'SIGTERM'],
  ...['--scope', 'tree'],
  ...['--stop-timeout', '1s'],
  ...['--grace', '1s'],
];

/**
 * Starts a command, as `spawn` does, below a `subreaper` that ends it and all that it starts when this process ends,
 * however this process ends: the kernel tells init so, PR_SET_PDEATHSIG of prctl(2), also after a SIGKILL. Two seconds
 * later nothing is left, whatever it makes of SIGTERM.
 *
 * To the kernel the parent is the thread that called this: in a worker thread the command ends with the thread.
 *
 * The child process is init: its exit code is the command's, or 128 + N where signal N ended it; a signal sent to it
 * is forwarded to the command and all below it. `node` must be in the PATH that it gets. SIGKILL for it ends init alone: use SIGTERM, or `killTree`.
 */
export function spawnSupervised(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): ChildProcess {
  const rules = { command: aString, args: anArray, options: anObject };
  checkOptions('spawnSupervised', { command, args, options }, rules);
  const launcher = findLauncher();
  // Without a shell node reads it as well.
  const [file, ...first] = existsSync('/bin/sh') ? [launcher] : [process.execPath, launcher];
  // What the kernel would not tell init: that this process ended before init asked.
  const env = { ...(options.env ?? process.env), SUBREAPER_PARENT: String(process.pid) };
  return spawn(file, [...first, ...supervision, '--', command, ...args], { ...options, env });
}

/** In the package's bin, wherever below the package this file is. */
function findLauncher(): string {
  for (let folder = dirname(import.meta.filename); ; folder = dirname(folder)) {
    const launcher = join(folder, 'bin/subreaper');
    if (existsSync(launcher)) return launcher;
    if (folder === dirname(folder))
      throw new Error('spawnSupervised: bin/subreaper is missing; install subreaper again');
  }
}
