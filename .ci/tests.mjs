// Runs `npm test`, and each test file that failed once more, alone. Writes build/report/summary: what flickered, and a line
// that counts the tests of vitest's reports. Ends with 1 if a file failed twice, or if more failed than chance explains.
import { mkdirSync, writeFileSync } from 'node:fs';
import { nameOf, runTests } from '../test/helpers/test-run.mjs';

const MOST_BY_CHANCE = 3;
/** So that a file which hangs is ended, and runs once more, before .ci/run gives up. */
const LONGEST_FILE_S = 600;

const folder = 'build/report';
mkdirSync(folder, { recursive: true });
const run = (name, files) =>
  runTests(['npm', 'test', '--', ...files], `${folder}/gate/${name}`, LONGEST_FILE_S);

const first = await run('first', []);
const filesOf = (failed) => [...new Set(failed.map(({ file }) => file))];
const files = filesOf(first.failed);
const canBeChance = files.length <= MOST_BY_CHANCE && !files.includes('');

let { tests } = first;
const failed = canBeChance ? [] : first.failed;
if (canBeChance)
  for (const [index, file] of files.entries()) {
    console.log(`\n=== ${file}, once more, alone`);
    const again = await run(`again-${index}`, [file]);
    tests = [...tests.filter((test) => test.file !== file), ...again.tests];
    failed.push(...again.failed);
  }

const failedFiles = filesOf(failed);
const flickered = first.failed.filter(({ file }) => canBeChance && !failedFiles.includes(file));
writeFileSync(`${folder}/flickered.json`, JSON.stringify(flickered, undefined, 2));
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
const told = (word) => (failure) => `${word}: ${nameOf(failure)}\n${failure.message}\n`;
const isUntold = (file) => !tests.some((test) => test.file === file && test.status === 'failed');
const failures = count('failed') + failedFiles.filter(isUntold).length;
const passed = count('passed');
writeFileSync(
  `${folder}/summary`,
  [
    '',
    ...failed.map(told('failed')),
    ...(canBeChance ? [] : [`${files.length} files failed: no chance, so none ran once more\n`]),
    ...flickered.map(told('flickered')),
    `${passed} passed, ${failures} failed, ${count('pending', 'skipped', 'todo')} skipped`,
    '',
  ].join('\n'),
);
process.exitCode = failed.length === 0 && passed > 0 ? 0 : 1;
