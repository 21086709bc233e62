// What a process holds, and must not hold more of after a million events.
import { readdirSync, readlinkSync } from 'node:fs';
import { statusField, threadsOf, until } from './proc.mjs';

/**
 * @typedef {object} Held
 * @property {number} descriptors
 * @property {number} threads
 * @property {number} memoryKib  anonymous memory: RssAnon of proc_pid_status(5)
 */

/**
 * What an init holds while its workload runs. It opens a pidfd of a run after the run's start: waits for that.
 * @param {number} pid
 * @returns {Promise<Held>}
 */
export async function heldBy(pid) {
  const isPidfd = (descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`).includes('pidfd');
    } catch {
      // Closed since the list was read.
      return false;
    }
  };
  await until(() => readdirSync(`/proc/${pid}/fd`).some(isPidfd), 'init has a pidfd of the workload');
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: threadsOf(pid).length,
    memoryKib: Number.parseInt(statusField(pid, 'RssAnon'), 10),
  };
}
