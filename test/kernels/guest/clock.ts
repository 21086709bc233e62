import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actor } from '../../helpers/environment.ts';
import { until } from '../../helpers/proc.ts';
import { inBothModes, type Scene } from './scene.ts';
import { start } from './start.ts';

const DAY_S = 86_400;
const SIGTERM = '15';
const SIGUSR1 = '10';
/** From the resolution of /proc/uptime. */
const ROUNDING_MS = 20;

/** Sets CLOCK_REALTIME of the machine: clock_settime(2), by date(1). */
function moveClock(days: number): void {
  const { status, stderr } = spawnSync('date', ['-s', `@${Math.round(Date.now() / 1000) + days * DAY_S}`]);
  if (status !== 0) throw new Error(`date ended with ${status}: ${stderr}`);
}

/** A timer that used this clock would end at once after the first step, and never after the second. */
const name = (what: string) => `the clock is set a day forward, and two days back, ${what}`;

export const clock: readonly Scene[] = [
  inBothModes(
    name('while --restart waits: the waits are 200, 400 and 800 ms'),
    async (mode) => {
      // Of the workload's own clock, since boot: the test may read its lines late.
      const sinceBoot = 'read -r up _ </proc/uptime; echo "$up"; exit 3';
      const init = await start({
        mode,
        options: ['--restart', 'on-failure:3'],
        command: ['sh', '-c', sinceBoot],
      });
      const starts: number[] = [];
      for (const days of [1, -2, 1, 0]) {
        starts.push(Number(await init.nextLine()) * 1000);
        moveClock(days);
      }
      const waits = [200, 400, 800].map((ms, run) => {
        const waited = (starts[run + 1] as number) - (starts[run] as number);
        return waited >= ms - ROUNDING_MS ? ms : waited;
      });
      return { waits, ...(await init.exit) };
    },
    () => ({ waits: [200, 400, 800], code: 3, signal: null }),
  ),

  inBothModes(
    name('during the grace time: it takes 2 s'),
    async (mode) => {
      const init = await start({
        mode,
        options: ['--grace', '2s'],
        command: ['sh', '-c', `${actor} signals & read -r _; exit 4`],
      });
      await init.nextLine();
      const before = performance.now();
      init.stdin.write('\n');
      while ((await init.nextLine()) !== SIGTERM);
      for (const days of [1, -2]) {
        moveClock(days);
        // It makes init look at its timers.
        init.kill('SIGUSR1');
      }
      const exit = await init.exit;
      moveClock(1);
      const tookMs = performance.now() - before;
      return { ...exit, grace: tookMs >= 2000 ? 'whole' : tookMs };
    },
    () => ({ code: 4, signal: null, grace: 'whole' }),
  ),

  inBothModes(
    name(
      'while a stop takes long: the lines come after 2 and 5 s, --stop-timeout after 6 s, and the report has that',
    ),
    async (mode) => {
      const report = join(mkdtempSync(join(tmpdir(), 'clock-')), 'report');
      const init = await start({
        mode,
        options: ['--stop-timeout', '6s', '--report', report],
        command: [actor, 'signals'],
      });
      await init.nextLine();
      const before = performance.now();
      init.kill('SIGTERM');
      await init.nextLine();
      const slowLines = () =>
        [...init.stderr().matchAll(/still running (\S+ s) after SIGTERM/g)].map(([, waited]) => waited);
      const seen: string[] = [];
      for (const days of [1, -2]) {
        const lines = slowLines().length;
        moveClock(days);
        init.kill('SIGUSR1');
        seen.push(await init.nextLine());
        await until(() => slowLines().length > lines, 'init says what it waits for');
      }
      const exit = await init.exit;
      moveClock(1);
      const tookMs = performance.now() - before;
      const { tookMs: reportedMs } = JSON.parse(readFileSync(report, 'utf8'));
      return {
        ...{ ...exit, seen, lines: slowLines() },
        timeout: tookMs >= 6000 ? 'whole' : tookMs,
        reported: reportedMs >= 6000 && reportedMs < DAY_S * 1000 ? 'the time it took' : reportedMs,
      };
    },
    () => ({
      ...{ code: 137, signal: null, seen: [SIGUSR1, SIGUSR1], lines: ['2 s', '5 s', '6 s'] },
      ...{ timeout: 'whole', reported: 'the time it took' },
    }),
  ),

  inBothModes(
    'the clock is set a day forward, or back, after the workload has written its last words: they stay',
    async (mode) => {
      const seen: string[] = [];
      for (const days of [1, -1]) {
        const file = join(mkdtempSync(join(tmpdir(), 'clock-')), 'words');
        const init = await start({
          mode,
          options: ['--termination-log', file],
          command: ['sh', '-c', `echo "its own words" >${file}; echo ready; read -r _; kill -KILL $$`],
        });
        await init.nextLine();
        moveClock(days);
        init.stdin.write('\n');
        await init.exit;
        moveClock(-days);
        seen.push(readFileSync(file, 'utf8'));
      }
      return seen;
    },
    () => ['its own words\n', 'its own words\n'],
  ),
];
