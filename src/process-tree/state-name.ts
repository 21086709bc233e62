import type { ProcessInfo } from './process-table.ts';

const stateNames: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'in an uninterruptible sleep',
  T: 'stopped',
  t: 'traced',
  Z: 'zombie',
  X: 'dead',
  I: 'idle',
};

/** The state in words: proc_pid_stat(5). */
export function stateName({ state }: ProcessInfo): string {
  return stateNames[state] ?? state;
}
