// Runs `npm test`, and each test file that failed once more, alone. Writes build/report/summary: what flickered, and a line
// that counts the tests of vitest's reports. Ends with 1 if a file failed twice, or if more failed than chance explains.
// What runs too long is ended with all that it has started, by pid.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { descendantsOf, procFile, runningWith, signalIfThere } from '../test/helpers/proc.mjs';

/** The longest file takes some 70 s on two quiet cores. */
const FILE_LIMIT_S = Number(process.env.FILE_LIMIT_S ?? 480);
const MOST_BY_CHANCE = 3;
/** proc_pid_stat(5): Linux tells all times to user space in hundredths of a second. */
const TICKS_PER_S = 100;

const folder = 'build/report';
mkdirSync(folder, { recursive: true });

/** In the environment of all that is started here. */
const mark = randomUUID();
const kill = (processes) => {
  for (const { pid } of processes) signalIfThere(pid, 'SIGKILL');
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => {
    kill(runningWith(mark));
    process.exit(1);
  });

/** vitest gives each file a process of its own. */
function endWhatIsLate(main) {
  const upS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  for (const { pid, startTime } of descendantsOf(main)) {
    if (!procFile(pid, 'cmdline').includes('/vitest/dist/workers/')) continue;
    if (upS - startTime / TICKS_PER_S > FILE_LIMIT_S) kill([...descendantsOf(pid), { pid }]);
  }
}

/** Runs tests. @returns what failed: { file, test, message }; the file is '' if it is not known */
async function run(name, files) {
  const report = `${folder}/gate/${name}.json`;
  const reporters = ['--reporter=default', '--reporter=json', '--reporter=./.ci/files.mjs'];
  const args = ['test', '--', ...reporters, `--outputFile.json=${report}`, ...files];
  const env = { ...process.env, GATE: mark, FILES_FOLDER: `${folder}/gate/${name}` };
  const child = spawn('npm', args, { stdio: 'inherit', env });
  const timer = setInterval(() => endWhatIsLate(child.pid), 1000);
  const [status] = await once(child, 'exit');
  clearInterval(timer);
  kill(runningWith(mark).filter(({ pid }) => pid !== process.pid));
  const list = `${folder}/gate/${name}/failed.json`;
  const failed = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  if (status !== 0 && failed.length === 0)
    failed.push({ file: '', test: '', message: `npm test ended with ${status}` });
  return { failed, tests: existsSync(report) ? testsOf(report) : [] };
}

/** All tests of a report of vitest: { file, status }. */
function testsOf(report) {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ status }) => ({ file: relative(process.cwd(), name), status })),
  );
}

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
const told =
  (word) =>
  ({ file, test, message }) =>
    `${word}: ${file || 'a file that is not known'}${test && ` > ${test}`}\n${message}\n`;
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
