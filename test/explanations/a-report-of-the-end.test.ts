import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { expect, onTestFinished, test } from 'vitest';
import type { ReportContents } from '../../src/observe/report.ts';
import { actor, launcher, refuse } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, until } from '../helpers/proc.ts';
import { runInit, startInit } from '../helpers/run-init.ts';
import { initOnTerminal } from '../helpers/terminal.ts';

const schema = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../docs/report.schema.json'), 'utf8'),
);
const validate = new Ajv.default({ allErrors: true, allowUnionTypes: true }).compile(schema);

/** A file in a folder of its own. */
function freshFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

function parse(text: string): ReportContents {
  const contents = JSON.parse(text) as ReportContents;
  expect(validate(contents) ? [] : validate.errors).toEqual([]);
  return contents;
}

/** Reads a report, which is all that is in its folder. */
function read(file: string): ReportContents {
  expect(readdirSync(dirname(file))).toHaveLength(1);
  return parse(readFileSync(file, 'utf8'));
}

describeModes(['actor', 'refuse'], '--report', (mode) => {
  test('tells of a workload that ended by itself', async () => {
    const file = freshFile('report.json');
    const { code } = await runInit({ mode, options: ['--report', file], command: ['sh', '-c', 'exit 3'] });
    expect(code).toBe(3);
    expect(read(file)).toEqual({
      version: 1,
      status: 3,
      reason: null,
      tookMs: expect.any(Number),
      workload: {
        pid: expect.any(Number),
        program: 'sh',
        end: { code: 3 },
        usage: {
          userCpuMs: expect.any(Number),
          systemCpuMs: expect.any(Number),
          // No more than init's own pages, in which the workload was for a moment.
          maxRssKib: null,
        },
      },
      restarts: 0,
      phases: [],
      signalsForwarded: {},
      orphansReaped: 0,
      survivorsKilled: 0,
      reapedBy: 'init',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('tells how much memory a workload took that took more than init', async () => {
    const file = freshFile('report.json');
    const script = 'Buffer.alloc(100 << 20, 1)';
    await runInit({ mode, options: ['--report', file], command: ['node', '-e', script] });
    expect(read(file).workload?.usage?.maxRssKib).toBeGreaterThan(100 << 10);
  });

  test('counts orphans, also those that end after the workload', async () => {
    const file = freshFile('report.json');
    const init = await startInit({
      mode,
      options: ['--report', file],
      command: ['sh', '-c', `read -r _; exec ${actor} parent 50 1 4`],
    });
    init.stdin.write('\n');
    expect(await init.exit).toEqual({ code: 4, signal: null });
    expect(read(file)).toMatchObject({ orphansReaped: 50, workload: { end: { code: 4 } } });
  });

  test('counts signals and restarts', async () => {
    const file = freshFile('report.json');
    const init = await startInit({
      mode,
      options: ['--report', file, '--restart', 'on-failure:2', '-q'],
      command: ['sh', '-c', 'trap "echo got" USR1; echo ready; until read -r _; do :; done; exit 5'],
    });
    for (let run = 0; run < 3; run++) {
      expect(await init.nextLine()).toBe('ready');
      init.kill('SIGUSR1');
      expect(await init.nextLine()).toBe('got');
      init.stdin.write('\n');
    }
    expect(await init.exit).toEqual({ code: 5, signal: null });
    expect(read(file)).toMatchObject({ status: 5, restarts: 2, signalsForwarded: { SIGUSR1: 3 } });
  });

  test('has the phases of a stop, and the survivors that were killed', async () => {
    const file = freshFile('report.json');
    const script = `(trap '' TERM; exec sleep 1000) & trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`;
    const init = await startInit({
      mode,
      options: ['--report', file, '--stop-delay', '100ms', '--grace', '100ms', '-q'],
      command: ['sh', '-c', script],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).filter(({ name }) => name === 'sleep').length > 1, 'it runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 3, signal: null });
    const { phases, ...report } = read(file);
    expect(report).toMatchObject({ signalsForwarded: { SIGTERM: 1 } });
    expect(report.survivorsKilled).toBeGreaterThanOrEqual(1);
    const names = phases.map(({ phase }) => phase);
    expect(names.slice(0, 3)).toEqual(['stop-delay', 'stop', 'grace']);
    expect(phases[0]?.tookMs).toBeGreaterThanOrEqual(99);
    for (const [index, { startMs, tookMs }] of phases.entries()) {
      const next = phases[index + 1];
      if (next !== undefined) expect(next.startMs).toBeGreaterThanOrEqual(startMs + tookMs - 1);
    }
  });

  test('is written after --stop-timeout as well, with the reason', async () => {
    const file = freshFile('report.json');
    const init = await startInit({
      mode,
      options: ['--report', file, '--stop-timeout', '100ms', '--log-level', 'silent'],
      command: ['sh', '-c', `trap '' TERM; setsid sleep 1000 & echo ready; read -r _`],
    });
    expect(await init.nextLine()).toBe('ready');
    await until(() => descendantsOf(init.pid).some(({ name }) => name === 'sleep'), 'the other one runs');
    init.kill('SIGTERM');
    expect(await init.exit).toEqual({ code: 137, signal: null });
    const report = read(file);
    expect(report.reason).toMatch(/^stop timeout: the workload is still running 100 ms after SIGTERM/);
    expect(report).toMatchObject({
      status: 137,
      workload: { end: { signal: 'SIGKILL', coreDumped: false } },
      // The workload is none.
      survivorsKilled: 1,
    });
  });

  test('is written if nothing could be started', async () => {
    const file = freshFile('report.json');
    const { code } = await runInit({ mode, options: ['--report', file], command: ['no-such-command'] });
    expect(code).toBe(127);
    const report = read(file);
    expect(report).toMatchObject({ status: 127, workload: null });
    expect(report.reason).toContain('no-such-command');
  });

  test('is written if init cannot start', async () => {
    const file = freshFile('report.json');
    const { code, stderr } = await runInit({
      mode,
      launch: [refuse, 'wait4', 'EPERM', launcher],
      options: ['--report', file],
      command: ['true'],
    });
    expect(code).toBe(125);
    const report = read(file);
    expect(report).toMatchObject({ status: 125, workload: null });
    expect(stderr).toBe(`subreaper: ${report.reason}\n`);
  });

  test('- is standard error', async () => {
    const { stderr } = await runInit({ mode, options: ['--report', '-'], command: ['true'] });
    expect(parse(stderr)).toMatchObject({ status: 0, workload: { end: { code: 0 } } });
  });

  test('replaces an older one, and no other thing: one warning, and the same status', async () => {
    const file = freshFile('report.json');
    writeFileSync(file, 'older');
    await runInit({ mode, options: ['--report', file], command: ['true'] });
    expect(read(file).status).toBe(0);

    const target = freshFile('target');
    writeFileSync(target, 'theirs');
    symlinkSync(target, `${target}-link`);
    mkdirSync(`${target}-folder`);
    for (const name of [`${target}-link`, `${target}-folder`, `${target}-none/report.json`]) {
      const { code, stderr } = await runInit({
        mode,
        options: ['--report', name],
        command: ['sh', '-c', 'exit 3'],
      });
      expect(code).toBe(3);
      expect(
        stderr
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        {
          level: 40,
          msg: `cannot write the report to '${name}'; its directory must exist, be writable and have space left`,
          error: expect.stringMatching(/^(EEXIST|ENOENT): [^/]+$/),
        },
      ]);
    }
    expect(readFileSync(target, 'utf8')).toBe('theirs');
    expect(readdirSync(dirname(target)).sort()).toEqual(['target', 'target-folder', 'target-link']);
  });

  test('holds nothing of the arguments and of the environment', async () => {
    const secret = 'hunter2-d41d8cd9';
    const file = freshFile('report.json');
    await runInit({
      mode,
      options: ['--report', file, '--grace', '0', '-q'],
      command: ['sh', '-c', `: ${secret}; sleep 1000 & kill -KILL $$`, secret],
      spawn: { env: { ...process.env, SECRET: secret } },
    });
    expect(read(file).reason).toContain('SIGKILL');
    expect(readFileSync(file, 'utf8')).not.toContain(secret);
  });

  test('has init wait for its orphans', async () => {
    const file = freshFile('report.json');
    const init = await startInit({
      mode,
      options: ['--report', file, '-v'],
      command: ['sh', '-c', `exec ${actor} orphans 20`],
    });
    expect(await init.nextLine()).toBe('done');
    await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
    await until(() => init.stderr().includes('init reaps orphans'), 'init says who reaps');
    init.kill('SIGTERM');
    await init.exit;
    expect(read(file)).toMatchObject({ status: 143, reason: null, orphansReaped: 20 });
  });
});

describeModes(['script'], '--report of a stop on a terminal, with --restart', (mode) => {
  test('counts neither the workload nor a process of init’s own', async () => {
    const file = freshFile('report.json');
    const terminal = initOnTerminal({
      mode,
      options: ['--restart', 'always', '--stop-timeout', '2500ms', '--report', file, '--log-format', 'json'],
      command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do read -r _; done'],
    });
    await terminal.shows(/ready/);
    const find = (wanted: string) => descendantsOf(terminal.pid).find(({ name }) => name === wanted);
    await until(() => find('cat'), 'a process of init’s own is in the group');
    process.kill((await until(() => find('subreaper'), 'init has its name')).pid, 'SIGTERM');
    expect(await terminal.exit).toEqual({ code: 137, signal: null });
    expect(terminal.output()).toMatch(/still running 2 s after SIGTERM: sh \(pid \d+\) ignores SIGTERM;/);
    expect(terminal.output()).toMatch(/killing everything: sh \(pid \d+\) ignores SIGTERM"/);
    expect(read(file)).toMatchObject({ status: 137, survivorsKilled: 0 });
  });
});
