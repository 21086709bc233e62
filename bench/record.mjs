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
 *
 * Values are an object by metric and by candidate, with one number a round; NaN for a round that failed.
 * @param askedRounds  how many rounds instead of the usual ones
 */
export function createRecord(askedRounds) {
  const figures = [];
  const leftOut = [];
  const series = {};

  function leaveOut(candidate, reason) {
    leftOut.push({ candidate, reason });
  }

  async function attempt(title, candidate, measure) {
    try {
      return await measure(candidate);
    } catch (error) {
      leaveOut(candidate.name, `${title}: ${error.message}`);
      return undefined;
    }
  }

  /**
   * Measures every candidate once a round, and backwards in the next: a drift of the machine hits all of them alike.
   * A candidate may have a number of rounds of its own.
   * @param measure  gives an object of numbers
   */
  async function inRounds(title, usualRounds, candidates, measure) {
    const rounds = askedRounds ?? usualRounds;
    const values = {};
    const failures = new Map(candidates.map(({ name }) => [name, 0]));
    for (let round = 0; round < rounds; round++) {
      for (const candidate of round % 2 === 0 ? candidates : candidates.toReversed()) {
        const { name } = candidate;
        if (round >= candidate.rounds || failures.get(name) === MOST_FAILURES) continue;
        showProgress(`${title}: ${name}, round ${round + 1} of ${rounds}`);
        const result = await attempt(title, candidate, measure);
        if (result === undefined) failures.set(name, failures.get(name) + 1);
        else keep(values, name, round, rounds, result);
      }
    }
    return values;
  }

  /** The same in one round, with all candidates at the same time. */
  async function atOnce(title, candidates, measure) {
    showProgress(title);
    const results = await Promise.all(candidates.map((candidate) => attempt(title, candidate, measure)));
    const values = {};
    for (const [index, { name }] of candidates.entries()) keep(values, name, 0, 1, results[index] ?? {});
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

  return { figures, leftOut, series, leaveOut, inRounds, atOnce, add, note };
}

function keep(values, name, round, rounds, result) {
  for (const [metric, value] of Object.entries(result)) {
    values[metric] ??= {};
    values[metric][name] ??= Array(rounds).fill(Number.NaN);
    values[metric][name][round] = value ?? Number.NaN;
  }
}
