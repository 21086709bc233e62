// A measurement's results are figures, one a line of the table: { group, candidate, unit, median, p25, p75, rounds,
// ratio?: { to, median, p25, p75, rounds }, note? }.
import { summarize, summarizeRatios } from './statistics.mjs';

/**
 * @param values  by candidate, one value a round, in the same order of rounds for all of them
 * @param base  the candidate that the others are compared with, round by round
 */
export function figuresOf(group, unit, values, base) {
  return Object.entries(values).flatMap(([candidate, own]) => {
    const summary = summarize(own);
    if (summary === undefined) return [];
    const ratio = values[base] && summarizeRatios(own, values[base]);
    return [{ group, candidate, unit, ...summary, ...(ratio && { ratio: { to: base, ...ratio } }) }];
  });
}

export function noteOf(group, candidate, note) {
  return { group, candidate, note };
}
