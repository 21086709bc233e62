// Tells again what failed, where it is found: the end of a long log is what is kept of it. The last line counts the tests of
// all reports. Usage: node .ci/summary.mjs STATUS FOLDER    (ends with STATUS, or with 1 if a test failed or none passed)
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [status, folder] = process.argv.slice(2);
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));

for (const { testResults } of reports) {
  for (const { name, message, assertionResults } of testResults) {
    if (message) console.log(`\nFAILED ${name}\n${message}`);
    for (const { status, fullName, failureMessages } of assertionResults)
      if (status === 'failed')
        console.log(`\nFAILED ${name}\n${fullName}\n${failureMessages.map(own).join('\n')}`);
  }
}
const sum = (count) => reports.reduce((all, report) => all + report[count], 0);
const [passed, failed, skipped] = ['numPassedTests', 'numFailedTests', 'numPendingTests'].map(sum);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : Number(status);

/** Without the frames of others. A report has the stack alone, and of a timeout only this name. */
function own(failure) {
  const lines = failure.replaceAll('STACK_TRACE_ERROR', 'no end within its time').split('\n');
  return lines.filter((line) => !/node_modules|node:internal/.test(line)).join('\n');
}
