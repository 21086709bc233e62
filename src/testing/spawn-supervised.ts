import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anArray, anObject, aString, checkArgument } from '../arguments/check-arguments.ts';

/** init's options. They bound how long a tree that ignores SIGTERM can outlive a test run. */
const supervision = [
  ...['--parent-death-signal', 'SIGTERM'],
  ...['--scope', 'tree'],
  ...['--stop-timeout', '1s'],
  ...['--grace', '1s'],
];

/**
 * Starts a command, as `spawn` does, below a `subreaper` that ends the command and all its descendants when this process
 * ends. The kernel tells init, PR_SET_PDEATHSIG of prctl(2), even if SIGKILL ended this process. Two seconds later
 * nothing is left, even of a tree that ignores SIGTERM.
 *
 * To the kernel, the parent is the thread that called this: in a worker thread, the command ends with the thread.
 *
 * The child process is init. Its exit code is the command's, or 128 + N if signal N ended the command. It forwards
 * signals to the command and all its descendants. `node` must be in its PATH. SIGKILL ends init alone: use SIGTERM, or
 * `killTree`.
 * @throws TypeError for an argument that is not allowed
 */
export function spawnSupervised(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): ChildProcess {
  checkArgument('spawnSupervised', 'command', command, aString);
  checkArgument('spawnSupervised', 'args', args, anArray);
  checkArgument('spawnSupervised', 'options', options, anObject);
  const launcher = findLauncher();
  // If there is no shell, node can run the launcher too.
  const [file, ...first] = existsSync('/bin/sh') ? [launcher] : [process.execPath, launcher];
  // The kernel does not tell init if this process ended before init asked for the signal.
  const env = { ...(options.env ?? process.env), SUBREAPER_PARENT: String(process.pid) };
  return spawn(file, [...first, ...supervision, '--', command, ...args], { ...options, env });
}

/** Finds the launcher in the package's bin, wherever this file is in the package. */
function findLauncher(): string {
  for (let folder = dirname(import.meta.filename); ; folder = dirname(folder)) {
    const launcher = join(folder, 'bin/subreaper');
    if (existsSync(launcher)) return launcher;
    if (folder === dirname(folder))
      throw new Error('spawnSupervised: bin/subreaper is missing; install subreaper again');
  }
}
