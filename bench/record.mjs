// Measures in rounds, and keeps the figures: one a row of the tables and a line of results.json.
import { showProgress } from '../test/helpers/progress.mjs';
import { quantile } from '../test/helpers/quantile.mjs';

/** A candidate that fails this often is left out. */
const MOST_FAILURES = 2;

/**
 * figures: { group, candidate, median, p25, p75, rounds, base?, ratio? }, the group ends with the unit; leftOut:
 * { candidate, reason }; series: by candidate, the samples of a plot.
 */
export function createRecord() {
  const record = { leftOut: [], series: {}, figures: [], leaveOut, compare, add };
  return record;

  function leaveOut(candidate, reason) {
    record.leftOut.push({ candidate, reason: reason.split('\n')[0] });
  }

  /**
   * Measures every candidate once a round, in the opposite order in the next round, so that a drift of the machine hits
   * all alike, and adds a group of figures for each metric. A candidate may have fewer rounds.
   * @param groups  by metric, the name of its group
   * @param one  measures a candidate once. @returns numbers by metric
   * @returns by metric and by candidate, one number a round; NaN for a round that failed
   */
  async function compare(groups, { rounds, candidates, base }, one) {
    const [title] = Object.values(groups);
    const failures = {};
    const all = Array(rounds).fill(Number.NaN);
    const values = Object.fromEntries(Object.keys(groups).map((metric) => [metric, {}]));
    for (const round of all.keys()) {
      for (const candidate of round % 2 === 0 ? candidates : candidates.toReversed()) {
        const { name } = candidate;
        if (round >= candidate.rounds || failures[name] === MOST_FAILURES) continue;
        showProgress(`${title}: ${name}, round ${round + 1} of ${rounds}`);
        try {
          const measured = await one(candidate);
          for (const [metric, own] of Object.entries(values)) {
            own[name] ??= [...all];
            own[name][round] = measured[metric] ?? Number.NaN;
          }
        } catch (error) {
          failures[name] = (failures[name] ?? 0) + 1;
          leaveOut(name, `${title}: ${error.message}`);
        }
      }
    }
    for (const [metric, group] of Object.entries(groups)) add(group, values[metric], base);
    return values;
  }

  /**
   * Adds a figure for each candidate.
   * @param base  the candidate that the others are compared with, round by round: what slows a round down falls out
   */
  function add(group, values, base = undefined) {
    for (const [candidate, own] of Object.entries(values)) {
      const [median, p25, p75] = [0.5, 0.25, 0.75].map((part) => quantileOfKnown(own, part));
      if (median === undefined) continue;
      const rounds = own.filter(Number.isFinite).length;
      const ratios = own.map((value, round) => value / values[base]?.[round]);
      const ratio = quantileOfKnown(ratios, 0.5);
      const compared = ratio === undefined ? {} : { base, ratio };
      record.figures.push({ group, candidate, median, p25, p75, rounds, ...compared });
    }
  }
}

function quantileOfKnown(values, part) {
  const known = values.filter(Number.isFinite);
  return known.length === 0 ? undefined : quantile(known, part);
}
