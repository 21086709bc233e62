// Workloads in sh, for tests that need nothing of actor.c, or can do with less.
import { existsSync } from 'node:fs';
import { actor } from './environment.ts';

/** As `actor daemon`: prints "daemon PID", a daemon by double fork with setsid; then "done", and stays. */
export const daemon = `
  echo "$(setsid sh -c 'sh -c "echo daemon \\$\\$; exec sleep 1000 >/dev/null" &')"
  echo done
  exec sleep 1000`;

/** As `actor orphans`: leaves orphans, one after another, each of which ends at once; then prints "done", and stays. */
export const orphans = (count: number) => `
  left=${count}
  while [ $left -gt 0 ]; do (: &); left=$((left - 1)); done
  echo done
  exec sleep 1000`;

/** Ends by a signal, without a core. */
export const die = (signal: number) => ['sh', '-c', `ulimit -c 0; kill -${signal} $$; exec sleep 1000`];

/**
 * As \`actor signals\`, and that where there is one: prints "ready PID", and the number of each signal that it gets. A shell
 * tells twice of a signal that comes twice only if it has told of the first before.
 */
export function receiver(): readonly string[] {
  if (existsSync(actor)) return [actor, 'signals'];
  const all = Array.from({ length: 64 }, (_, index) => index + 1);
  // Neither of these can be caught, 17 is the shell's own, and two are the C library's.
  const caught = all.filter((signal) => ![9, 17, 19, 32, 33].includes(signal));
  const traps = caught.map((signal) => `trap 'echo ${signal}' ${signal}`).join('\n');
  // What it waits for gets each signal too, with the group.
  const waits = `(trap '' ${caught.join(' ')}; exec sleep 1000) &
    echo ready $$
    while :; do wait $!; done`;
  return ['sh', '-c', `${traps}\n${waits}`];
}
