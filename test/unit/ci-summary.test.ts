import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';

const passed = (numPassedTests: number) => ({
  ...{ numPassedTests, numFailedTests: 0, numPendingTests: 1 },
  testResults: [
    {
      name: '/a.test.ts',
      message: '',
      assertionResults: [{ status: 'passed', fullName: 'a', failureMessages: [] }],
    },
  ],
});
const failed = {
  ...{ numPassedTests: 2, numFailedTests: 1, numPendingTests: 0 },
  testResults: [
    {
      name: '/b.test.ts',
      message: '',
      assertionResults: [
        {
          status: 'failed',
          fullName: 'b does it',
          failureMessages: [
            'Error: STACK_TRACE_ERROR\n    at /b.test.ts:3:4\n    at /node_modules/vitest/x.js:1:2\n    at node:internal/y:1:2',
          ],
        },
      ],
    },
    { name: '/c.test.ts', message: 'it cannot be loaded', assertionResults: [] },
  ],
};

function summary(status: number, reports: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-summary-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [index, report] of reports.entries())
    writeFileSync(join(folder, `${index}.json`), JSON.stringify(report));
  writeFileSync(join(folder, 'containers.log'), 'no report');
  const args = [join(root, '.ci/summary.mjs'), String(status), folder];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

test('it counts the tests of all reports', () => {
  const all = summary(0, [passed(3), passed(4)]);
  expect(all).toMatchObject({ status: 0, stdout: '7 passed, 0 failed, 2 skipped\n', stderr: '' });
});

test('it tells what failed, without the frames of others', () => {
  const { status, stdout } = summary(0, [passed(3), failed]);
  expect(status).toBe(1);
  expect(stdout).toBe(`
FAILED /b.test.ts
b does it
Error: no end within its time
    at /b.test.ts:3:4

FAILED /c.test.ts
it cannot be loaded
5 passed, 1 failed, 1 skipped
`);
});

test('it fails where something else has failed, and where no test has passed', () => {
  expect(summary(3, [passed(3)]).status).toBe(3);
  expect(summary(0, [passed(0)]).status).toBe(1);
  expect(summary(0, []).status).toBe(1);
});
