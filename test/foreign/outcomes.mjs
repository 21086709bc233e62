// What a run of a suite says, test by test, and what another run says differently.

/** @typedef {ReadonlyMap<string, string>} Outcomes  'ok', 'not ok' and the like, by test */

const point = /^\s*(ok|not ok)\b(?: \d+)?(?: -)? *(.*)$/;

/**
 * Reads TAP, the Test Anything Protocol, with its subtests.
 * @param {string} text
 * @returns {[string, string][]} names and outcomes. Names keep no number of three digits or more: pids and times differ
 *   between any two runs. So that names are unique, each has its place among its like.
 */
export function readTap(text) {
  const seen = new Map();
  const outcomes = [];
  for (const line of text.split('\n')) {
    const [, outcome, description] = point.exec(line) ?? [];
    if (outcome === undefined) continue;
    const name = description.replace(/ # time=.*$/, '').replace(/\d{3,}(\.\d+)?/g, '…');
    const place = (seen.get(name) ?? 0) + 1;
    seen.set(name, place);
    outcomes.push([place === 1 ? name : `${name} (${place})`, outcome]);
  }
  return outcomes;
}

/**
 * An outcome is a difference if more than half of the runs show it, and no bare run does.
 * @param {readonly Outcomes[]} bareRuns
 * @param {readonly Outcomes[]} runs
 * @returns {string[]} one line for each
 */
export function differences(bareRuns, runs) {
  return [...testsOf([...bareRuns, ...runs])].flatMap((test) => {
    const outcomesIn = (of) => of.map((outcomes) => outcomes.get(test) ?? 'not run');
    const bare = new Set(outcomesIn(bareRuns));
    const shown = outcomesIn(runs);
    return [...new Set(shown)]
      .filter(
        (outcome) => !bare.has(outcome) && 2 * shown.filter((each) => each === outcome).length > shown.length,
      )
      .map((outcome) => `${test}: ${outcome}; bare: ${[...bare].join(', ')}`);
  });
}

/** @returns {number} how many tests did not have the same outcome in all these runs */
export function flakyTests(runs) {
  return [...testsOf(runs)].filter((test) => new Set(runs.map((outcomes) => outcomes.get(test))).size > 1)
    .length;
}

function testsOf(runs) {
  return new Set(runs.flatMap((outcomes) => [...outcomes.keys()]));
}
