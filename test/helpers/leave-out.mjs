// What left-out.ts does for vitest, for suites that do not begin with it.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All of a suite, which cannot run here. */
export function leaveOut(reason) {
  tell(`Left out: ${reason}\n`);
}

/** What a vitest that ran in another place has left out, by its log. */
export function passOn(log) {
  const [lines] = /^ Left out: .*\n(?: {3}.*\n)*/m.exec(readFileSync(log, 'utf8')) ?? [];
  if (lines !== undefined) tell(lines);
}

function tell(lines) {
  process.stdout.write(lines);
  const { REPORTS } = process.env;
  if (REPORTS !== undefined) appendFileSync(join(REPORTS, 'left-out'), lines);
}
