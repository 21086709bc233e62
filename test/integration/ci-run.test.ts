// .ci/run, with stand-ins for what takes minutes.
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../helpers/documentation.ts';
import { needs } from '../helpers/needs.ts';
import { runningWith, until } from '../helpers/proc.ts';
import { runToEnd, startProcess } from '../helpers/run-init.ts';

/** For npm and node. HANGS and FAILS: which commands do so. A suite writes its report. */
const standIn = `#!/usr/bin/env bash
line="\${0##*/} $*"
if [[ $line == 'node .ci/summary.mjs'* ]]; then exec "$NODE" "$@"; fi
echo "$line" >>commands
if [[ $line =~ $HANGS ]]; then echo "hangs $line" >>commands; sleep infinity & exec sleep infinity; fi
if [[ $line =~ $FAILS ]]; then echo "the story of $line"; exit 3; fi
if [[ $line == 'node test/suite.mjs'* ]]; then
  echo '{"testResults":[],"numPassedTests":2,"numFailedTests":0,"numPendingTests":1}' >"build/report/$2.json"
fi
`;

function startRun({ hangs = 'nothing', fails = 'nothing' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-ci-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, '.ci'), join(folder, '.ci'), { recursive: true });
  const program = (path: string, text: string) => writeFileSync(join(folder, path), text, { mode: 0o755 });
  for (const name of ['bin', 'build']) mkdirSync(join(folder, name));
  for (const name of ['npm', 'node']) program(join('bin', name), standIn);
  writeFileSync(join(folder, 'commands'), '');
  program('.ci/install', '#!/bin/sh\n');
  program('build/refuse', '#!/bin/sh\nshift 2\nexec "$@"\n');
  const mark = randomUUID();
  const run = startProcess([join(folder, '.ci/run')], {
    env: {
      ...process.env,
      PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter),
      ...{ NODE: process.execPath, HANGS: hangs, FAILS: fails, MARK: mark },
    },
  });
  const commands = () => readFileSync(join(folder, 'commands'), 'utf8').split('\n');
  return { run, mark, commands };
}

test('the last line of .ci/run counts the tests of all suites', needs('bash'), async () => {
  const { run, commands } = startRun();
  const { code, stdout } = await runToEnd(run);
  const suites = commands().flatMap((line) => /^node test\/suite.mjs (\S+)/.exec(line)?.[1] ?? []);
  // One report for each name.
  const count = new Set(suites).size;
  expect(stdout).toMatch(new RegExp(`\n${2 * count} passed, 0 failed, ${count} skipped\n$`));
  expect(code).toBe(0);
});

test.each([
  ['at once', 'suite.mjs whole'],
  ['beside the next steps', 'suite.mjs engine'],
])('a suite that fails %s fails .ci/run, which goes on', needs('bash'), async (_, fails) => {
  const { run, commands } = startRun({ fails });
  const { code, stdout } = await runToEnd(run);
  expect(stdout).toContain('the story of');
  expect(commands().join('\n')).toMatch(/suite.mjs pods\n[\s\S]*suite.mjs soak /);
  expect(code).toBe(3);
});

test('no test runs where the types or the style are wrong', needs('bash'), async () => {
  const { run, commands } = startRun({ fails: 'npm run --silent check' });
  expect(await runToEnd(run)).toMatchObject({ code: 3 });
  expect(commands().filter((line) => line.includes('suite.mjs'))).toEqual([]);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)(
  'interrupted by %s, .ci/run ends all that it has started',
  needs('bash'),
  async (signal, code) => {
    const { run, mark, commands } = startRun({ hangs: 'suite.mjs engine|--project integration' });
    const hanging = () => commands().filter((line) => line.startsWith('hangs '));
    await until(() => hanging().length === 2, 'a step hangs, and a suite beside it');
    run.kill(signal);
    expect(await run.exit).toEqual({ code, signal: null });
    expect(runningWith(mark)).toEqual([]);
  },
);
