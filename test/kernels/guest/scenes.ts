import { calls } from './calls.ts';
import { cgroups, starved } from './cgroups.ts';
import { clock } from './clock.ts';
import { ending } from './ending.ts';
import { machine } from './machine.ts';
import { reaping } from './reaping.ts';
import type { Scene } from './scene.ts';
import { signals } from './signals.ts';
import { statuses } from './statuses.ts';

export const scenes: readonly Scene[] = [
  ...machine,
  ...reaping,
  ...statuses,
  ...signals,
  ...ending,
  ...cgroups,
  ...starved,
  ...calls,
  ...clock,
];

/** They set the clock of the machine: no other scene may run meanwhile. */
export const alone: readonly Scene[] = clock;

/** They wait most of their time, so others may run meanwhile. */
export const waiting: readonly Scene[] = starved;

/** What the workload of the machine's PID 1 ends with: the last thing that the machine does. */
export const LAST_STATUS = 7;
