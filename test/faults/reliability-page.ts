// docs/reliability.md: its text, and the rows of its first table, which are the names of tests.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { markdownTable } from '../helpers/markdown-table.ts';
import { clock } from '../kernels/guest/clock.ts';
import { knownOutcomes } from './known-outcomes.ts';

export const file = resolve(import.meta.dirname, '../../docs/reliability.md');

/** "fault: what happens", the name of a test, and the file that has the test. */
export interface Row {
  readonly fault: string;
  readonly outcome: string;
  /** From the project's folder. */
  readonly test: string;
}

/** A test runs as PID 1 and as a plain subreaper. @throws where its name is none for the page */
export function rowOf(name: string, test: string): Row {
  const text = name
    .replace(/, as (?:PID 1|a plain subreaper)(?= >|:)/g, '')
    .replaceAll(' > ', ' ')
    .replace(/,+ /g, ', ');
  const colon = text.lastIndexOf(': ');
  if (colon < 1) throw new Error(`"fault: what happens" is what a test of ${test} is called, not "${name}"`);
  return { fault: text.slice(0, colon), outcome: text.slice(colon + 2), test };
}

/** The rows of the page, as it is. */
export function rowsOfPage(): Row[] {
  const [table = ''] = /^\| fault [\s\S]*?\n\n/m.exec(readFileSync(file, 'utf8')) ?? [];
  const cells = table
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/));
  return cells
    .map((row) => row.map((cell) => cell.trim().replaceAll('\\|', '|')))
    .map(([fault = '', outcome = '', test = '']) => ({ fault, outcome, test }));
}

const kernelTests = 'test/kernels/guest/clock.ts';
/** They need no run to be known. */
const ofKernels = clock.map(({ name }) => rowOf(name, kernelTests));

function cellsOf({ fault, outcome, test }: Row): string[] {
  return [fault, outcome, test].map((cell) => cell.replaceAll('|', '\\|'));
}

const outcomes = knownOutcomes.map(({ phase, calls, errnos, onlyEvery, outcome, reason }) => {
  const which = `${calls.join(', ')}${errnos === undefined ? '' : ` (${errnos.join(', ')})`}`;
  return [phase, `${which}${onlyEvery ? ', every call' : ''}`, outcome, reason];
});

/** The folders whose tests are rows. */
export const folders = ['test/faults', 'test/numbers'];

/** @param rows of the tests in these folders, in any order of the files. As PID 1 and as a plain subreaper is one row. */
export function pageOf(rows: readonly Row[]): string {
  const faults = rows.filter(({ test }) => test !== kernelTests);
  const inOrder = faults.sort((one, other) => (one.test < other.test ? -1 : one.test > other.test ? 1 : 0));
  const cells = [...inOrder, ...ofKernels].map(cellsOf);
  const table = [...new Map(cells.map((row) => [row.join(), row])).values()];
  return `# Reliability

Tests inject faults into init; this table says what happens then. Its rows are the names of the tests in \`test/faults\` and \`test/numbers\`,
and of the clock tests of \`npm run suite kernels\`. Most run as PID 1 and as a plain subreaper. "Every duty is done" means: the
environment comes through, an orphan is reaped, a signal is forwarded, a survivor in another session that ignores SIGTERM
is ended, and the status is the workload's.

${markdownTable(['fault', 'what happens', 'test'], ...table)}

## Where a system call fails

\`npm run suite faults\` makes the system calls of init's main thread fail, with each error of their manual pages, EPERM and
ENOSYS: the first call, the second, others up to the last, and every one. In these runs it makes no poll(2) and no tgkill(2).
The requests of a terminal are refused as a whole (above), the calls of node's other threads not at all. Each case must end with the workload's own status, or with 125 to 127 and one
line; nothing may hang, and no process may be left behind.

A failed call has done nothing, except that close(2) has closed the descriptor. The everyday run takes a fixed sample, without
what makes Node hang; \`FAULTS_SEED=N\` takes another one. This table has the exceptions, from
\`test/faults/known-outcomes.ts\`. The phases: "launcher" is the shell, "node" is Node's start until it reads init's program,
"init" is all that follows, "spawn" is the workload's process before its execve(2).

${markdownTable(['phase', 'calls that fail', 'outcome', 'why'], ...outcomes)}

## Numbers

\`npm run suite numbers\` runs a million orphans, a thousand restarts and 100,000 signals; the everyday run has 50,000 orphans and
100 restarts. It prints the anonymous memory of init before and after, and the age of the oldest zombie. On an idle machine,
\`IDLE=1 npm run suite numbers\` fails if that is more than 100 ms. \`SEED=N\` repeats the signals of a run.

\`npm run suite properties\` gives 100,000 random inputs each to the parsers of the command line, durations, signal names, wait
statuses, /proc, and what the launcher saves. The everyday run gives 1,000.

\`npm run suite week\` runs a week of an init in five minutes: 3,000 random acts (storms and bursts of orphans, daemons, signals,
floods, crashes of the workload, pauses of init and of the workload), each with a check. It prints its seed, and \`--seed N\`
repeats it. \`npm run suite soak\` has many shorter runs, and \`--run N\` repeats one of a seed.

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
}
