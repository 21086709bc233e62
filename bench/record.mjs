// Measures in rounds, and keeps the figures: one a line of the table and of results.json.
import { summarize } from './statistics.mjs';

/** How often a candidate may fail before it is left out. */
const MOST_FAILURES = 2;

/** One line on stderr that says what runs, if a person can see it. */
export function showProgress(text = '') {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
}

/**
 * figures: { group, candidate, unit, median, p25, p75, rounds, ratio?: { to, median, p25, p75 } }, or with a note
 * instead of numbers; leftOut: { candidate, reason }; series: by candidate, the samples of a plot.
 */
export function createRecord() {
  const figures = [];
  const leftOut = [];
  const series = {};

  function leaveOut(candidate, reason) {
    leftOut.push({ candidate, reason: reason.split('\n')[0] });
  }

  /**
   * Measures every candidate once a round, and backwards in the next: a drift of the machine hits all of them alike.
   * A candidate may have a number of rounds of its own.
   * @param measure  gives an object of numbers
   * @returns by metric and by candidate, one number a round; NaN for a round that failed
   */
  async function inRounds(title, rounds, candidates, measure) {
    const values = {};
    const failures = {};
    for (let round = 0; round < rounds; round++) {
      for (const candidate of round % 2 === 0 ? candidates : candidates.toReversed()) {
        const { name } = candidate;
        if (round >= candidate.rounds || failures[name] === MOST_FAILURES) continue;
        showProgress(`${title}: ${name}, round ${round + 1} of ${rounds}`);
        try {
          for (const [metric, value] of Object.entries(await measure(candidate))) {
            values[metric] ??= {};
            values[metric][name] ??= Array(rounds).fill(Number.NaN);
            values[metric][name][round] = value ?? Number.NaN;
          }
        } catch (error) {
          failures[name] = (failures[name] ?? 0) + 1;
          leaveOut(name, `${title}: ${error.message}`);
        }
      }
    }
    return values;
  }

  /**
   * Adds a figure for each candidate.
   * @param base  the candidate that the others are compared with, round by round: what slows a round down falls out
   * @returns the figures
   */
  function add(group, unit, values = {}, base = undefined) {
    const added = Object.entries(values).flatMap(([candidate, own = []]) => {
      const summary = summarize(own);
      if (summary === undefined) return [];
      const { rounds, ...ratio } = summarize(own.map((value, round) => value / values[base]?.[round])) ?? {};
      return [{ group, candidate, unit, ...summary, ...(rounds && { ratio: { to: base, ...ratio } }) }];
    });
    figures.push(...added);
    return added;
  }

  function note(group, candidate, note) {
    figures.push({ group, candidate, note });
  }

  return { figures, leftOut, series, leaveOut, inRounds, add, note };
}
