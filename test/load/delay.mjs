// Measures the event-loop delay of an app without children, with and without subreaper/register, in rounds that
// alternate which of the two comes first. It compares each round's p99, so that whatever else the machine does from one
// round to the next cancels out. There is a difference if the median of the rounds' differences is surely not 0.
// Usage: node test/load/delay.mjs [ROUNDS]    (on a busy machine behind chrt -f 1, as root: then nothing else delays it)
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { quantile } from '../helpers/quantile.mjs';
import { medianInterval } from './median-interval.mjs';

const [rounds = '20'] = process.argv.slice(2);
const app = resolve(import.meta.dirname, 'delay-app.mjs');
const ways = { bare: [], registered: ['--require', 'subreaper/register'] };

/** @returns {number} p99 in microseconds */
function measure(way) {
  return Number(execFileSync(process.execPath, [...ways[way], app], { encoding: 'utf8' }));
}

const p99s = { bare: [], registered: [] };
for (let round = 0; round < Number(rounds); round++) {
  const order = round % 2 === 0 ? ['bare', 'registered'] : ['registered', 'bare'];
  for (const way of order) p99s[way].push(measure(way));
  console.log(`round ${round + 1}: bare ${p99s.bare.at(-1)} us, registered ${p99s.registered.at(-1)} us`);
}
const differences = p99s.registered.map((registered, round) => registered - p99s.bare[round]);
const { low, high } = medianInterval(differences);
const format = (values) => [0, 0.5, 1].map((part) => Math.round(quantile(values, part))).join(', ');
console.log(
  `p99 of the event-loop delay in us, least, median, most: bare ${format(p99s.bare)}; registered ${format(p99s.registered)}`,
);
console.log(
  `median of the differences: ${quantile(differences, 0.5)} us; with 95 % confidence from ${low} to ${high} us`,
);
console.log(
  low <= 0 && high >= 0 ? 'no difference' : high < 0 ? 'registered is faster' : 'registered is slower',
);
