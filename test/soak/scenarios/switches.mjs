import { actor } from '../paths.mjs';
import { shell } from './workloads.mjs';

/** init leaves the reaping to the kernel 1 to 3 ms after the workload's start. */
const MOST_US = 8000;

/** The workload ends around the moment when init leaves the reaping to the kernel: its status must not be lost. */
function atTheSwitch(random) {
  const us = random.between(0, MOST_US);
  const status = random.pick([random.between(0, 255), -9, -11, -15]);
  const brief = [actor, 'brief', `${us}`, `${status}`];
  const how = random.pick(['by itself', 'after exec', 'beside orphans']);
  const commands = {
    'by itself': brief,
    'after exec': shell(`exec ${brief.join(' ')}`),
    'beside orphans': [actor, 'parent', '3', `${Math.floor(us / 1000)}`, `${status}`],
  };
  return {
    choices: { us, status, how },
    command: commands[how],
    expected: status < 0 ? 128 - status : status,
  };
}

export const switches = { 'at-the-switch': atTheSwitch };
