import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, resolve } from 'node:path';

const DEADLINE_MS = 120_000;
const PAUSE_MS = 100;

/**
 * Starts a process as `spawn` does. If the machine has no process or memory to spare (EAGAIN), because of whatever else
 * runs there, it says so and tries again: that is not what a test is about.
 */
export function spawnPatiently(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const child = spawn(file, args, options);
    // The error comes as an event, which this cannot wait for. A file that can be executed leaves few reasons.
    if (child.pid !== undefined || !canBeExecuted(file, options) || Date.now() > end) return child;
    child.on('error', ({ message }) =>
      console.warn(`${message}; started again, since it is not tested here`),
    );
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}

function canBeExecuted(file: string, { cwd, env }: SpawnOptions): boolean {
  const folders = file.includes('/') ? [''] : ((env ?? process.env)['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(resolve(String(cwd ?? ''), folder, file), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
