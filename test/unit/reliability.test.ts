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
  const args = [vitest, 'list', '--project', 'faults', '--project', 'storms', '--json'];
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

test('docs/reliability.md has the names of the tests that exist (update it with: npm run docs:reliability)', {
  timeout: 240_000,
}, async () => {
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

What is done to init, and what happens. The rows are the names of the tests in \`test/faults\`, and of those of the clock,
which set that of an emulated machine (\`npm run test:kernels\`): nothing stands here that no test runs. Most run as PID 1 and as a plain subreaper. "Every duty" is: the environment comes through, an orphan is reaped,
a signal is forwarded, a survivor in another session that ignores SIGTERM is ended, and the status is the workload's.

${markdownTable(['fault', 'what happens', 'test'], ...rows)}

## Where a system call fails

\`npm run test:faults\` makes the system calls of init's main thread fail, with each error of their manual pages, EPERM and
ENOSYS: the first call, the second, others up to the last, and every one. poll(2), tgkill(2), the terminal's ioctls and the
calls of node's other threads are not covered. Each case must end with the workload's own status, or with 125 to 127 and one
line; nothing may hang, and no process may be left behind.

A failed call has done nothing, but close(2) has closed the descriptor. The everyday run takes a sample, the same each time
and without what makes node hang, and prints its seed; \`FAULTS_SEED=N\` takes another one. These are the exceptions, from \`test/faults/known-outcomes.ts\`. The
phase "launcher" is the shell, "node" is node's start until it reads init's program, "init" is all that follows, "spawn" is
the workload's process before its execve(2).

${markdownTable(['phase', 'calls that fail', 'outcome', 'why'], ...outcomes)}

## Numbers

\`npm run test:numbers\` takes a million orphans and a thousand restarts; the everyday run takes 50,000 and 100, and the
100,000 signals in both. Each line that it prints has what was measured: the anonymous memory of init before and after,
and how old the oldest zombie became. On a machine that is otherwise idle, \`IDLE=1 npm run test:numbers\` fails if that is
more than 100 ms: a busy machine may not let init run as soon. In between, \`SEED=N\` chooses the same signals.

\`npm run test:properties\` gives 100,000 random inputs each to the parsers of the command line, of durations, signal
names, wait statuses, of /proc, and of what the launcher saves; the everyday run gives 1,000.

\`npm run soak:week\` lives a week in five minutes: 3,000 acts at random (storms and bursts of orphans, daemons, signals, floods,
crashes of the workload, pauses of init and of the workload), each with what must follow. It prints its seed, and \`--seed N\`
lives the same life again. \`npm run soak:init\` has a shorter one, and \`--run N\` repeats one run of a seed.

## What is not promised

- If node itself is killed or aborts (SIGKILL, the out-of-memory killer, an error that libuv or V8 cannot survive), a plain
  subreaper's workload runs on. As PID 1 the kernel ends it.
- Below 24 descriptors, or some 6 processes and threads, node cannot start. If there is room for its first thread and not
  for the second, it hangs. With just 24 descriptors a plain subreaper may have none left to look at /proc with: it says that
  it leaves survivors behind.
- The time of a record is that of the clock, whoever sets it. If the clock is set back while init runs, words that an
  earlier run has left in the termination log may stay there: they look newer than init.
- Without /proc a plain subreaper cannot find survivors in other sessions. PID 1 can end them.
- The calls of node's other threads are not made to fail one by one: profiles that refuse a call to the whole process are
  tested instead.
`;
  await expect(text).toMatchFileSnapshot('../../docs/reliability.md');
});
