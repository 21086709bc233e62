/** How often a candidate may fail before it is left out. */
const MOST_FAILURES = 2;

/**
 * Measures every candidate once a round, in alternating order: a drift of the machine hits all of them alike.
 * @param measure  gives an object of numbers for a candidate
 * @returns values: by metric, by candidate, one number a round (NaN for a round that failed); failures: by candidate
 */
export async function inRounds({ rounds, candidates, measure, progress, title }) {
  const results = new Map(candidates.map(({ name }) => [name, []]));
  const failures = [];
  let running = candidates;
  for (let round = 0; round < rounds; round++) {
    for (const candidate of round % 2 === 0 ? running : running.toReversed()) {
      progress.show(`${title}: ${candidate.name}, round ${round + 1} of ${rounds}`);
      try {
        results.get(candidate.name)[round] = await measure(candidate, round);
      } catch (error) {
        failures.push({ candidate: candidate.name, reason: `${title}: ${error.message}` });
      }
    }
    running = running.filter(({ name }) => failuresOf(failures, name).length < MOST_FAILURES);
  }
  return { values: byMetric(results, rounds), failures };
}

function failuresOf(failures, name) {
  return failures.filter(({ candidate }) => candidate === name);
}

function byMetric(results, rounds) {
  const metrics = new Set([...results.values()].flat().flatMap((result) => Object.keys(result ?? {})));
  const places = Array.from({ length: rounds }, (_, round) => round);
  return Object.fromEntries(
    [...metrics].map((metric) => [
      metric,
      Object.fromEntries(
        [...results].map(([name, own]) => [name, places.map((round) => own[round]?.[metric] ?? Number.NaN)]),
      ),
    ]),
  );
}
