import { showProgress } from '../helpers/progress.mjs';
import { quantile } from '../helpers/quantile.mjs';

const LINE_EVERY_MS = 30_000;

/** Counts runs by scenario and mode. */
export function createTally() {
  const rows = new Map();
  let runs = 0;
  let failures = 0;
  return {
    add(scenario, mode, { ms, wrong, isUnanswered }) {
      const key = `${scenario} ${mode}`;
      const row = rows.get(key) ?? { scenario, mode, failed: 0, unanswered: 0, all: [] };
      rows.set(key, row);
      row.all.push(ms);
      runs++;
      if (wrong.length > 0) failures++;
      if (wrong.length > 0) row.failed++;
      if (isUnanswered) row.unanswered++;
    },
    counts: () => ({ runs, failures }),
    /** One line for each scenario and mode, by name. */
    table() {
      const sorted = [...rows.values()].sort(
        (a, b) => a.scenario.localeCompare(b.scenario) || a.mode.localeCompare(b.mode),
      );
      const cells = sorted.map(({ scenario, mode, failed, unanswered, all }) => [
        ...[scenario, mode, all.length, failed, unanswered],
        ...[quantile(all, 0.5), quantile(all, 0.99), Math.max(...all)].map(Math.round),
      ]);
      const head = ['scenario', 'mode', 'runs', 'failed', 'unanswered', 'p50 ms', 'p99 ms', 'slowest ms'];
      return [head, ...cells].map(tableLine).join('\n');
    },
  };
}

function tableLine([scenario, mode, ...numbers]) {
  return scenario.padEnd(28) + mode.padEnd(10) + numbers.map((cell) => String(cell).padStart(12)).join('');
}

/** Rewrites one line on a terminal; elsewhere prints a line every 30 s. */
export function createProgress(startedAt) {
  let last = startedAt;
  return {
    show({ runs, failures }, what) {
      const now = performance.now();
      const text = `${Math.round((now - startedAt) / 1000)} s: ${runs} runs, ${failures} failed`;
      showProgress(`${text}, ${what}`);
      if (process.stderr.isTTY || now - last < LINE_EVERY_MS) return;
      last = now;
      console.error(text);
    },
    clear: () => showProgress(),
  };
}
