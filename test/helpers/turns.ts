import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './proc.ts';
import { startProcess } from './run-init.ts';

/** What a process asked of the kernel. */
export interface Turns {
  /** How many system calls its first thread made. */
  readonly calls: number;
  /** How many of them in the longest turn of its event loop: between two calls of epoll_pwait(2). */
  readonly longest: number;
}

/**
 * Traces the first thread of a process with strace(1). A turn is measured in system calls and not in time, so that no
 * machine is too slow.
 * @returns a function that ends the trace, which the end of the process also does
 */
export async function traceTurns(pid: number): Promise<() => Promise<Turns>> {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const trace = join(folder, 'trace');
  const strace = startProcess(['strace', '-e', 'signal=none', '-o', trace, '-p', `${pid}`]);
  await until(() => strace.stderr().includes('attached'), 'strace has attached');
  return async () => {
    strace.process.kill('SIGINT');
    await strace.exit;
    const turns = readFileSync(trace, 'utf8')
      .split(/^epoll_p?wait\(.*$/m)
      .map((turn) => turn.split('\n').length);
    return { calls: turns.reduce((sum, turn) => sum + turn, 0), longest: Math.max(...turns) };
  };
}
