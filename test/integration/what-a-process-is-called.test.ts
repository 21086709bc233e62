import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launcher, nodeOf } from '../helpers/environment.ts';
import { describeModes, describeWith } from '../helpers/modes.ts';
import { startCode } from '../helpers/own-init.ts';
import { childrenOf, descendantsOf, until } from '../helpers/proc.ts';
import { runInit, runToEnd, startInit } from '../helpers/run-init.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const waits = `process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1e6)`;
const isThreadsName = /MainThread/;

// These call their first thread MainThread and node-MainThread.
for (const version of ['24', '26']) {
  const node = () => resolve(nodeOf(version) as string, 'node');

  describeModes([`node-${version}`], `a process of Node.js ${version} is called node`, (mode) => {
    test('by a stop that takes too long, in the trace, and as an orphan', async () => {
      const folder = temporaryFolder();
      const trace = join(folder, 'trace.json');
      // A shell that dies of the signal gives its children to init while that looks, which may then miss them.
      const script = `trap : TERM; sh -c '"$0" -e "" &' "$1"; "$1" -e "$2"; :`;
      const init = await startInit({
        mode,
        options: ['-vv', '--stop-timeout', '1ms', '--trace', trace],
        command: ['sh', '-c', script, 'sh', node(), waits],
      });
      expect(await init.nextLine()).toBe('ready');
      await until(() => init.stderr().includes('"orphan reaped"'), 'the orphan is reaped');
      init.kill('SIGTERM');
      await init.exit;
      expect(init.stderr()).toMatch(/killing everything: [^"]*node \(pid \d+\) handles SIGTERM/);
      expect(init.stderr()).toMatch(/"process.executable.name":"node"[^\n]*"msg":"orphan reaped"/);
      expect(init.stderr()).not.toMatch(isThreadsName);
      const rows = readFileSync(trace, 'utf8');
      expect(rows).toMatch(/"thread_name".*"name":"node \(pid \d+\)"/);
      expect(rows).not.toMatch(isThreadsName);
    });
  });

  describeWith([`node-${version}`], `a process of Node.js ${version} is called node`, () => {
    test('by the doctor, where it is above', async () => {
      const code = `require('node:child_process').spawnSync(process.argv[1], ['doctor'], { stdio: 'inherit' })`;
      const init = await startInit({ launch: [node(), '-e', code], options: [launcher], command: [] });
      const { stdout } = await runToEnd(init);
      expect(stdout).toMatch(/\bnode\b/);
      expect(stdout).not.toMatch(isThreadsName);
    });

    test('as a leak, as its parent, and where it holds a pipe open', async () => {
      const app = await startCode(
        `import { spawn } from 'node:child_process';
         import { pipeHolders, trackProcesses } from 'subreaper/testing';
         const tracker = trackProcesses();
         const nested = 'require("node:child_process").spawn("sleep", ["1000"]).on("spawn", () => console.log("ready"));';
         const child = spawn(process.argv[1], ['-e', nested], { stdio: ['ignore', 'pipe', 'inherit'] });
         await new Promise((resolve) => child.stdout.once('data', resolve));
         console.log(JSON.stringify(pipeHolders(child.stdout)));
         const error = await tracker.stop().catch((error) => error);
         console.log(JSON.stringify(error.processes));`,
        { flags: [], args: [node()] },
      );
      expect(JSON.parse(await app.nextLine())).toMatchObject([{ name: 'node' }]);
      expect(JSON.parse(await app.nextLine())).toMatchObject([
        { name: 'node' },
        { name: 'sleep', parents: [{ name: 'node' }, { name: 'this process' }] },
      ]);
      expect(await app.exit).toEqual({ code: 0, signal: null });
    });

    test('but server, where its executable is called that', async () => {
      const server = join(temporaryFolder(), 'server');
      copyFileSync(node(), server);
      const init = await startInit({
        options: ['--stop-timeout', '1ms'],
        command: ['sh', '-c', '"$0" -e "$1"; :', server, waits],
      });
      expect(await init.nextLine()).toBe('ready');
      const [shell] = childrenOf(init.pid);
      expect(descendantsOf((shell as { pid: number }).pid)[0]?.name).toMatch(isThreadsName);
      init.kill('SIGTERM');
      await init.exit;
      expect(init.stderr()).toMatch(/[:,] server \(pid \d+\) handles SIGTERM/);
    });
  });
}

describe('what a process calls itself', () => {
  /** ESC, RIGHT-TO-LEFT OVERRIDE, CSI of C1, LINE SEPARATOR: 15 bytes, as the kernel keeps. */
  const hostile = 'x\x1b[1m\u202e\u009b\u2028yz';
  const shown = 'x?[1m???yz';
  const script = `#!/bin/sh
case $1 in
  wait) trap '' TERM; ("$0" &); echo ready; read -r _ ;;
esac
exit 3
`;

  /** What a line or a document must not have: what commands a terminal, or changes how a line reads. */
  const unprintable = (text: string) => text.match(/[^\n\P{C}]|[\p{Zl}\p{Zp}]/gu) ?? [];

  function program(): string {
    const file = join(temporaryFolder(), hostile);
    writeFileSync(file, script, { mode: 0o755 });
    return file;
  }

  test.each(['json', 'pretty'])(
    'commands no terminal in the log, the report, the trace and the last words: %s',
    async (format) => {
      const folder = temporaryFolder();
      const ended = ['--report', `${folder}/report`, '--trace', `${folder}/trace`];
      const files = [...ended, '--termination-log', `${folder}/why`];
      const init = await startInit({
        options: ['-vv', '--log-format', format, ...files, '--stop-timeout', '1ms'],
        command: [program(), 'wait'],
      });
      expect(await init.nextLine()).toBe('ready');
      await until(() => init.stderr().includes('orphan reaped'), 'the orphan is reaped');
      init.kill('SIGTERM');
      expect(await init.exit).toMatchObject({ code: 137 });
      await until(() => init.stderr().includes('exiting'), 'the whole log has been read');
      const told = [
        init.stderr(),
        ...['report', 'trace', 'why'].map((file) => readFileSync(join(folder, file), 'utf8')),
      ];
      for (const text of told) expect(text).toContain(shown);
      expect(told.flatMap(unprintable)).toEqual([]);
    },
  );

  test.each([
    ['an error', []],
    ['an error in the words of tini', ['--dialect', 'tini', '-s']],
    ['an error in the words of dumb-init', ['--dialect', 'dumb-init']],
    ['an error in the words of catatonit', ['--dialect', 'catatonit']],
    ['the doctor’s lines', ['doctor']],
    ['the doctor’s JSON', ['doctor', '--json']],
  ])('commands no terminal in %s', async (_, options) => {
    const { stdout, stderr } = await runInit({ options, command: [`/none/${hostile}`] });
    expect(`${stdout}${stderr}`).toMatch(/./);
    expect(unprintable(stdout + stderr)).toEqual([]);
  });

  test('commands no terminal in the words of tini', async () => {
    const { stdout, code } = await runInit({
      options: ['--dialect', 'tini', '-s', '-vvv'],
      command: [program()],
    });
    expect(code).toBe(3);
    expect(stdout).toContain('Spawned child process');
    expect(unprintable(stdout)).toEqual([]);
  });
});
