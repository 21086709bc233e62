import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { knownOutcomes } from '../faults/known-outcomes.ts';
import { markdownTable } from '../helpers/markdown-table.ts';
import { clock } from '../kernels/guest/clock.ts';

const root = resolve(import.meta.dirname, '../..');

interface Listed {
  readonly name: string;
  readonly file: string;
}

/** The tests of test/faults, as vitest itself lists them. */
function faultTests(): Listed[] {
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'list', '--project', 'faults', '--project', 'numbers', '--json'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  // What the test files print comes first.
  const listed = JSON.parse(stdout.slice(stdout.search(/^\[\s*\{/m))) as Listed[];
  return listed.filter(({ file }) => file.includes('/test/faults/'));
}

/** "fault: what happens". A test runs as PID 1 and as a plain subreaper, and may be skipped on this machine. */
function rowOf({ name, file }: Listed): string[] {
  const text = name
    .replace(/ \(skipped: .*?\)(?= >|, as )/g, '')
    .replace(/, as (?:PID 1|a plain subreaper)(?= >|:)/g, '')
    .replaceAll(' > ', ' ')
    .replace(/,+ /g, ', ');
  const colon = text.lastIndexOf(': ');
  expect(
    colon,
    `"fault: what happens" is what a test of test/faults is called, not "${name}"`,
  ).toBeGreaterThan(0);
  const cells = [text.slice(0, colon), text.slice(colon + 2), file.slice(file.lastIndexOf('test/'))];
  return cells.map((cell) => cell.replaceAll('|', '\\|'));
}

test('docs/reliability.md has the names of the tests that exist (update it with: npm run docs:reliability)', async () => {
  const tests = faultTests();
  expect(tests.length).toBeGreaterThan(20);
  // vitest lists the files in any order.
  const byFile = [...tests].sort((one, other) =>
    one.file < other.file ? -1 : one.file > other.file ? 1 : 0,
  );
  const inKernels = clock.map(({ name }) => ({ name, file: 'test/kernels/guest/clock.ts' }));
  const rows = new Map([...byFile, ...inKernels].map(rowOf).map((row) => [row.join(), row])).values();
  const outcomes = knownOutcomes.map(({ phase, calls, errnos, onlyEvery, outcome, reason }) => {
    const which = `${calls.join(', ')}${errnos === undefined ? '' : ` (${errnos.join(', ')})`}`;
    return [phase, `${which}${onlyEvery ? ', every call' : ''}`, outcome, reason];
  });
  const text = `# Reliability

Tests inject faults into init; this table says what happens then. Its rows are the names of the tests in \`test/faults\`, and of
the clock tests of \`npm run test:kernels\`. Most run as PID 1 and as a plain subreaper. "Every duty is done" means: the
environment comes through, an orphan is reaped, a signal is forwarded, a survivor in another session that ignores SIGTERM
is ended, and the status is the workload's.

${markdownTable(['fault', 'what happens', 'test'], ...rows)}

## Where a system call fails

\`npm run test:faults\` makes the system calls of init's main thread fail, with each error of their manual pages, EPERM and
ENOSYS: the first call, the second, others up to the last, and every one. In these runs it makes no poll(2) and no tgkill(2).
The requests of a terminal are refused as a whole (above), the calls of node's other threads not at all. Each case must end with the workload's own status, or with 125 to 127 and one
line; nothing may hang, and no process may be left behind.

A failed call has done nothing, except that close(2) has closed the descriptor. The everyday run takes a fixed sample, without
what makes Node hang; \`FAULTS_SEED=N\` takes another one. This table has the exceptions, from
\`test/faults/known-outcomes.ts\`. The phases: "launcher" is the shell, "node" is Node's start until it reads init's program,
"init" is all that follows, "spawn" is the workload's process before its execve(2).

${markdownTable(['phase', 'calls that fail', 'outcome', 'why'], ...outcomes)}

## Numbers

\`npm run test:numbers\` runs a million orphans, a thousand restarts and 100,000 signals; the everyday run has 50,000 orphans and
100 restarts. It prints the anonymous memory of init before and after, and the age of the oldest zombie. On an idle machine,
\`IDLE=1 npm run test:numbers\` fails if that is more than 100 ms. \`SEED=N\` repeats the signals of a run.

\`npm run test:properties\` gives 100,000 random inputs each to the parsers of the command line, durations, signal names, wait
statuses, /proc, and what the launcher saves. The everyday run gives 1,000.

\`npm run soak:week\` runs a week of an init in five minutes: 3,000 random acts (storms and bursts of orphans, daemons, signals,
floods, crashes of the workload, pauses of init and of the workload), each with a check. It prints its seed, and \`--seed N\`
repeats it. \`npm run soak:init\` has many shorter runs, and \`--run N\` repeats one of a seed.

## What is not promised

- If Node itself is killed or aborts (SIGKILL, the OOM killer, an error that libuv or V8 cannot survive), a plain
  subreaper's workload runs on. As PID 1 the kernel ends it.
- [Too few descriptors or processes](limits.md#the-start): with just 24 descriptors a plain subreaper may have none left for
  /proc. It then says that it leaves survivors behind.
- A record has the time of the clock, whoever sets it. If the clock is set back while init runs, words that an earlier run
  left in the termination log may stay, because they look newer than init.
- Without /proc a plain subreaper cannot find survivors in other sessions. PID 1 can end them.
- The calls of Node's other threads do not fail one by one. Profiles that refuse a call to the whole process are tested
  instead.
`;
  await expect(text).toMatchFileSnapshot('../../docs/reliability.md');
});
