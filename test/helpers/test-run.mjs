// Runs vitest, and tells what failed in which file. For .ci/tests.mjs and test/often.mjs.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { descendantsOf, procFile, runningWith, signalIfThere } from './proc.mjs';
import { slowness } from './slowness.mjs';

/** On an idle machine. The longest file takes some 70 s on two cores. */
const FILE_LIMIT_S = Number(process.env.FILE_LIMIT_S ?? 480);
/** proc_pid_stat(5): Linux tells all times to user space in hundredths of a second. */
const TICKS_PER_S = 100;

/** In the environment of all that is started here. */
const mark = randomUUID();

const kill = (processes) => {
  for (const { pid } of processes) signalIfThere(pid, 'SIGKILL');
};
/** One of them may fork meanwhile. */
const MOST_ROUNDS = 100;
function killStarted() {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = runningWith(mark);
    if (left.length === 0) return;
    kill(left);
  }
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => {
    killStarted();
    process.exit(1);
  });

/** vitest gives each file a process of its own. */
function endWhatIsLate(main, longestS) {
  const upS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const limitS = Math.min(FILE_LIMIT_S * slowness(), longestS);
  for (const { pid, startTime } of descendantsOf(main)) {
    if (!procFile(pid, 'cmdline').includes('/vitest/dist/workers/')) continue;
    if (upS - startTime / TICKS_PER_S > limitS) kill([...descendantsOf(pid), { pid }]);
  }
}

/**
 * Kills a file that takes too long, and all that it has started. At the end, kills what the run has left.
 * @param {readonly string[]} command  runs vitest with the arguments that are added
 * @param {string} folder  for the reports
 * @param {number} [longestS]  a file's limit, however slow the machine is
 * @returns {Promise<{
 *   failed: readonly { file: string, test: string, message: string }[],
 *   tests: readonly { file: string, status: string }[]
 * }>} the file is '' where it is not known
 */
export async function runTests([program, ...args], folder, longestS = Number.POSITIVE_INFINITY) {
  const report = `${folder}.json`;
  const reporters = ['default', 'json', './test/helpers/file-reporter.mjs'];
  const child = spawn(
    program,
    [...args, ...reporters.map((name) => `--reporter=${name}`), `--outputFile.json=${report}`],
    {
      stdio: 'inherit',
      env: { ...process.env, TEST_RUN: `${process.env.TEST_RUN ?? ''} ${mark}`, FILES_FOLDER: folder },
    },
  );
  const timer = setInterval(() => endWhatIsLate(child.pid, longestS), 1000);
  const [status] = await once(child, 'exit');
  clearInterval(timer);
  killStarted();
  const list = `${folder}/failed.json`;
  const failed = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  if (status !== 0 && failed.length === 0)
    failed.push({ file: '', test: '', message: `vitest ended with ${status}` });
  return { failed, tests: existsSync(report) ? testsOf(report) : [] };
}

function testsOf(report) {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ status }) => ({ file: relative(process.cwd(), name), status })),
  );
}

/** What failed, in one line. */
export const nameOf = ({ file, test }) => `${file || 'a file that is not known'}${test && ` > ${test}`}`;
