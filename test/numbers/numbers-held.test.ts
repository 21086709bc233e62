import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { actor, launcher } from '../helpers/environment.ts';
import { type Held, heldBy } from '../helpers/growth.mjs';
import { describeModes } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, statusField, until } from '../helpers/proc.ts';
import { type RunningInit, startInit } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';
import { watchZombies } from '../helpers/zombie-watch.ts';
import { createRandom } from '../soak/random.mjs';

const numbers = isWhole ? { orphans: 1_000_000, restarts: 1000 } : { orphans: 50_000, restarts: 100 };
const SIGNALS = 100_000;
/** On a machine that is otherwise idle no zombie may be older. Elsewhere it is only printed. */
const OLDEST_MS = process.env['IDLE'] === '1' ? 100 : Number.POSITIVE_INFINITY;
const limit = { timeout: 3_600_000 };

/** init uses some memory for the first time, and V8 compiles what runs often. */
const WARM_UP = { orphans: 10_000, restarts: numbers.restarts };
/** V8 collects its garbage when it likes. More would be a leak of one byte an orphan, or of one page a restart. */
const SLACK_KIB = { orphans: 1024, restarts: 4096 };

const inFigures = (count: number) => count.toLocaleString('en');

function expectNoGrowth(before: Held, after: Held, slackKib: number): void {
  expect({ ...after, memoryKib: 0 }).toEqual({ ...before, memoryKib: 0 });
  expect(after.memoryKib - before.memoryKib).toBeLessThan(slackKib);
}

const temporaryFolder = (): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'subreaper-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

const onlyTheWorkloadIsLeft = (init: RunningInit) =>
  until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');

/** init waits for each child if the report counts them. */
const waysToReap: [string, boolean][] = [
  ['init reaps', true],
  ['the kernel reaps, where it can', false],
];

describeModes(['actor'], 'a million orphans (50,000 every day),', (mode) => {
  test.each(waysToReap)(
    'where %s: no zombie stays, and init does not grow',
    limit,
    async (way, isReported) => {
      const report = join(temporaryFolder(), 'report');
      const script = '"$0" orphans "$1" & read -r _; exec "$0" orphans "$2"';
      const init = await startInit({
        mode,
        options: isReported ? ['--report', report] : [],
        command: ['sh', '-c', script, actor, `${WARM_UP.orphans}`, `${numbers.orphans}`],
      });
      expect(await init.nextLine()).toBe('done');
      await onlyTheWorkloadIsLeft(init);
      const before = await heldBy(init.pid);
      const endWatch = watchZombies(init.pid);
      const startMs = performance.now();
      init.stdin.write('\n');
      expect(await init.nextLine()).toBe('done');
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const zombies = endWatch();
      await onlyTheWorkloadIsLeft(init);
      const after = await heldBy(init.pid);
      console.log(
        [
          `${mode}, ${way}: ${inFigures(numbers.orphans)} orphans in ${seconds} s`,
          `in ${zombies.looks} looks (late by up to ${zombies.latestMs} ms) at most ${zombies.most} zombies`,
          `the oldest one was ${zombies.oldestMs} ms old`,
          `anonymous memory ${before.memoryKib} KiB, then ${after.memoryKib}`,
        ].join('; '),
      );
      expectNoGrowth(before, after, SLACK_KIB.orphans);
      expect(zombies.oldestMs).toBeLessThan(OLDEST_MS);
      init.kill('SIGTERM');
      expect(await init.exit).toEqual({ code: 143, signal: null });
      if (!isReported) return;
      // And the actor of the warm-up, which the end of the workload has made an orphan.
      const { orphansReaped } = JSON.parse(readFileSync(report, 'utf8'));
      expect(orphansReaped).toBe(WARM_UP.orphans + numbers.orphans + 1);
    },
  );
});

describeModes([], 'a thousand restarts (100 every day),', (mode) => {
  test.each(waysToReap)('where %s: init does not grow', limit, async (way, isReported) => {
    const seam = resolve(import.meta.dirname, '../helpers/shorten-back-off.cjs');
    const report = join(temporaryFolder(), 'report');
    const init = await startInit({
      mode,
      // The seam needs node itself, and V8's young generation must not grow: as in the launcher.
      launch: ['node', '--max-semi-space-size=1', '--require', seam, launcher],
      options: ['--restart', 'always', '-q', ...(isReported ? ['--report', report] : [])],
      // Each run leaves a survivor to be ended.
      command: ['sh', '-c', 'setsid sleep 1000 & echo run; read -r _; exit 3'],
    });
    const nextRun = async () => {
      init.stdin.write('\n');
      expect(await init.nextLine()).toBe('run');
    };
    expect(await init.nextLine()).toBe('run');
    for (let run = 0; run < WARM_UP.restarts; run++) await nextRun();
    const before = await heldBy(init.pid);
    const startMs = performance.now();
    for (let run = 0; run < numbers.restarts; run++) await nextRun();
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const after = await heldBy(init.pid);
    console.log(
      [
        `${mode}, ${way}: ${inFigures(numbers.restarts)} restarts in ${seconds} s`,
        `anonymous memory ${before.memoryKib} KiB, then ${after.memoryKib}`,
      ].join('; '),
    );
    expectNoGrowth(before, after, SLACK_KIB.restarts);
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 143, signal: null });
  });
});

const urgent = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGCONT'] as const).map(
  (name) => constants.signals[name],
);
const realTime = Array.from({ length: 31 }, (_, index) => 34 + index);
/**
 * The other named signals that init forwards. Not TSTP, TTIN and TTOU: sent to a process, they take a SIGCONT away that it
 * has not got yet, signal(7).
 */
const others = [10, 12, 13, 14, 16, 23, 24, 25, 26, 27, 28, 29, 30];
/** So many real-time signals are on their way at most. The pipe holds 65,536, and the kernel's queue is the user's. */
const MOST_UNDER_WAY = 2000;
const BATCH = 50;

/** Whether other processes of this user leave room in the kernel's queue: SigQ of proc_pid_status(5). */
function hasRoomInQueue(): boolean {
  const [queued, most] = statusField(process.pid, 'SigQ').split('/').map(Number) as [number, number];
  return queued < most / 2;
}

describeModes(['actor'], '100,000 mixed signals beside a storm of orphans,', (mode) => {
  test.each(waysToReap)(
    'where %s: each urgent and each real-time one arrives as often as sent, and of the others each kind',
    limit,
    async (way, isReported) => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
      const random = createRandom(seed);
      const report = join(temporaryFolder(), 'report');
      // If this runner is killed, the storm must not go on for ever.
      const storm = `setsid ${actor} leash 1800 ${actor} orphans 1000000000 >/dev/null & exec ${actor} signals`;
      const init = await startInit({
        mode,
        options: isReported ? ['--report', report, '-q'] : ['-q'],
        command: ['sh', '-c', storm],
      });
      await init.nextLine();
      // Outside the group that gets the signals: one that ended it would also cause a SIGCHLD that nobody has sent.
      await until(
        () => descendantsOf(init.pid).some(({ pid, session }) => session === pid),
        'the storm has a session of its own',
      );
      // It has enlarged its pipe then.
      init.kill('SIGCONT');
      expect(await init.nextLine()).toBe('18');

      const sent = new Map<number, number>();
      const seen = new Map<number, number>();
      const count = (counts: Map<number, number>, kind: number) =>
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const missing = (kind: number) => (sent.get(kind) ?? 0) - (seen.get(kind) ?? 0);
      const underWay = () => realTime.map(missing).reduce((sum, each) => sum + each);
      const send = (kind: number) => {
        count(sent, kind);
        init.kill(kind);
      };
      const reading = (async () => {
        for (;;) count(seen, Number(await init.nextLine()));
      })().catch(() => {});

      const startMs = performance.now();
      for (let number = 0; number < SIGNALS; number++) {
        if (number % BATCH === 0) {
          // Reads what has arrived.
          await setImmediate();
          await until(() => underWay() < MOST_UNDER_WAY && hasRoomInQueue(), 'the signals arrive');
        }
        const kind = random.pick(random.pick([urgent, realTime, realTime, realTime, others, others]));
        // Two of an urgent kind at a time may become one, like the kernel's pending signals.
        if (urgent.includes(kind) && missing(kind) > 0) send(random.pick(realTime));
        else send(kind);
      }
      // After the deadline the next line says what is missing.
      const isComplete = () => [...urgent, ...realTime].every((kind) => missing(kind) === 0);
      await until(isComplete, 'all arrive').catch(() => {});
      expect([...urgent, ...realTime].filter((kind) => missing(kind) !== 0)).toEqual([]);
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const sum = (kinds: readonly number[]) =>
        inFigures(kinds.map((kind) => sent.get(kind) ?? 0).reduce((all, each) => all + each));
      console.log(
        `${mode}, ${way}: ${sum(urgent)} urgent, ${sum(realTime)} real-time and ${sum(others)} other signals in ${seconds} s; SEED=${seed} chooses the same`,
      );
      for (const kind of others) {
        expect(seen.get(kind)).toBeGreaterThan(0);
        expect(seen.get(kind)).toBeLessThanOrEqual(sent.get(kind) as number);
      }
      expect([...seen.keys()].filter((kind) => !sent.has(kind))).toEqual([]);

      // With the workload ends the storm.
      const [workload] = childrenOf(init.pid).sort((one, other) => one.startTime - other.startTime);
      process.kill((workload as { pid: number }).pid, 'SIGKILL');
      expect(await init.exit).toEqual({ code: 137, signal: null });
      await reading;
      if (isReported) expect(JSON.parse(readFileSync(report, 'utf8')).orphansReaped).toBeGreaterThan(0);
    },
  );
});
