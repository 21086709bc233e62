// Measures in rounds, and keeps the figures: one a row of the tables and a line of results.json.
import { showProgress } from '../test/helpers/progress.mjs';
import { quantile } from '../test/helpers/quantile.mjs';

/** figures: the group ends with the unit; leftOut: candidates, with the reason; series: the samples of a plot. */
export function createRecord() {
  const record = { leftOut: [], series: {}, figures: [], leaveOut, compare, add };
  return record;

  function leaveOut(candidate, reason) {
    record.leftOut.push({ candidate, reason: reason.split('\n')[0] });
  }

  /**
   * Measures every candidate once a round, in the opposite order in the next round, so that a drift of the machine hits
   * all alike, and adds the figures. `one` returns numbers by what they are, which follows the title in a group's name.
   * @returns by candidate, these numbers for each round; none for a round that failed
   */
  async function compare(title, candidates, { rounds, base }, one) {
    const failures = {};
    const measured = Object.fromEntries(candidates.map(({ name }) => [name, Array(rounds).fill({})]));
    for (let round = 0; round < rounds; round++) {
      for (const candidate of round % 2 === 0 ? candidates : candidates.toReversed()) {
        const { name } = candidate;
        // A second failure ends it.
        if (round >= candidate.rounds || failures[name] === 2) continue;
        showProgress(`${title}${name}, round ${round + 1} of ${rounds}`);
        try {
          measured[name][round] = await one(candidate);
        } catch (error) {
          failures[name] = (failures[name] ?? 0) + 1;
          leaveOut(name, `${title}${error.message}`);
        }
      }
    }
    add(title, measured, candidates.find(({ isBase }) => isBase)?.name ?? base);
    return measured;
  }

  /** The others are compared with the base round by round: what slows a round down falls out. */
  function add(title, measured, base = undefined) {
    for (const what of new Set(Object.values(measured).flat().flatMap(Object.keys))) {
      for (const [candidate, rounds] of Object.entries(measured)) {
        const values = rounds.map((numbers) => numbers[what]);
        const known = values.filter(Number.isFinite);
        if (known.length === 0) continue;
        const [median, p25, p75] = [0.5, 0.25, 0.75].map((part) => quantile(known, part));
        const toBase = values.map((value, round) => value / measured[base]?.[round][what]);
        const ratios = toBase.filter(Number.isFinite);
        const compared = ratios.length > 0 && { base, ratio: quantile(ratios, 0.5) };
        const figure = { group: title + what, candidate, median, p25, p75, rounds: known.length };
        record.figures.push({ ...figure, ...compared });
      }
    }
  }
}
