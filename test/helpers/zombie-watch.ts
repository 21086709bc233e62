import { sinceBootMs } from '../../src/native/clock.ts';
import { processStat, procFile } from './proc.ts';

const EVERY_MS = 5;
/** The start times in /proc are in ticks. */
const MS_PER_TICK = 10;

export interface Zombies {
  readonly looks: number;
  /** In one look. */
  readonly most: number;
  /** Of the oldest one, from its start: its end came later. */
  readonly oldestMs: number;
  /** How late the watch itself was, at most: what a busy machine adds. */
  readonly latestMs: number;
}

/**
 * Looks at the zombies of an init all the time. Each of them started to end at once.
 * @returns a function that ends the watch
 */
export function watchZombies(init: number): () => Zombies {
  let [looks, most, oldestMs, latestMs] = [0, 0, 0, 0];
  let due = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    latestMs = Math.max(latestMs, performance.now() - due);
    looks++;
    let zombies = 0;
    for (const pid of procFile(init, `task/${init}/children`).split(' ').filter(Boolean)) {
      const stat = processStat(Number(pid));
      if (stat?.state !== 'Z') continue;
      zombies++;
      oldestMs = Math.max(oldestMs, sinceBootMs() - stat.startTime * MS_PER_TICK);
    }
    most = Math.max(most, zombies);
    due = performance.now() + EVERY_MS;
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    return { looks, most, oldestMs: Math.round(oldestMs), latestMs: Math.round(latestMs) };
  };
}
