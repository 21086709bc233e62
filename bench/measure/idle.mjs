// An init with nothing to do: its threads, wake-ups and system calls. All candidates at the same time: what is idle
// does not disturb another.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshPath, helpers } from '../files.mjs';
import { watchActivity } from '../observe.mjs';
import { start, whenIdle } from '../processes.mjs';

/** What strace's own attaching makes a process do is over by then. */
const ATTACH_MS = 1000;

export async function measure({ record, candidates, size }) {
  const { settleMs, windowMs, straceMs } = size.idle;
  const watch = ({ name, line }) =>
    whenIdle(
      (out) => line([helpers.sleepers, out, '0', 'stay']),
      settleMs,
      async ({ init }) => {
        const activity = await watchActivity(init, windowMs);
        const systemCalls = await countSystemCalls(init, straceMs).catch((error) => {
          record.leaveOut(name, `system calls: ${error.message}`);
        });
        return { ...activity, systemCalls };
      },
    );
  const watched = new Map(candidates.map((candidate) => [candidate, watch(candidate)]));
  await Promise.allSettled(watched.values());
  const values = await record.inRounds('idle', 1, candidates, (candidate) => watched.get(candidate));
  record.add('idle: threads', '', values.threads);
  record.add('idle: wake-ups a minute', '', values.wakeUps);
  record.add('idle: processor time a minute', 'ms', values.cpuMs);
  record.add('idle: system calls a minute', '', values.systemCalls);
}

/** In a minute; from a log and not from strace's own count, which has what attaching does in it. */
async function countSystemCalls(pids, windowMs) {
  const log = freshPath();
  const from = (Date.now() + ATTACH_MS) / 1000;
  const strace = start(['strace', '-f', '-ttt', '-o', log, '-p', pids.join(',')]);
  await sleep(ATTACH_MS + windowMs);
  const hasFailed = strace.endedAt !== undefined || !existsSync(log);
  await strace.end();
  if (hasFailed) throw new Error(strace.log.trim().split('\n').at(-1) || 'strace failed');
  const lines = readFileSync(log, 'latin1').split('\n');
  const calls = lines.filter((line) => Number(/^\d+ +(\d+\.\d+) \w+\(/.exec(line)?.[1]) >= from);
  return (calls.length * 60_000) / windowMs;
}
