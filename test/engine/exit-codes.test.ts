import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeEngine, images, launcher, runContainer } from './containers.ts';

describeEngine('the exit code that `docker wait` reports', () => {
  test.each([
    { name: 'success', command: ['true'], code: 0 },
    { name: 'the workload’s own', command: ['sh', '-c', 'exit 7'], code: 7 },
    { name: 'an app’s', command: ['node', '-e', 'process.exitCode = 42'], code: 42 },
    { name: '128 + 9 for SIGKILL', command: ['sh', '-c', 'kill -KILL $$'], code: 137 },
    { name: '128 + 15 for SIGTERM', command: ['sh', '-c', 'kill -TERM $$'], code: 143 },
    { name: '128 + 6 for an abort', command: ['node', '-e', 'process.abort()'], code: 134 },
    { name: '127 for a command that is not there', command: ['no-such-command'], code: 127 },
    { name: '126 for a directory', command: ['/etc'], code: 126 },
    { name: '126 for a file that is not executable', command: ['/etc/passwd'], code: 126 },
  ])('$name', async ({ command, code }) => {
    const exit = await runContainer({ options: ['--ulimit', 'core=0'], command });
    expect(exit.code).toBe(code);
    // One line for what init itself has to say: that nothing ran, or that it did not send the signal.
    if (code === 126 || code === 127) expect(exit.stderr).toMatch(/^subreaper: .*\n$/);
    else if (code > 128) expect(exit.stderr).toMatch(/"msg":"the workload was killed by SIG(KILL|TERM|ABRT)/);
    else expect(exit.stderr).not.toContain('subreaper');
  });

  test.each([
    { name: 'an unknown option', command: ['--no-such-option', '--', 'true'] },
    { name: 'no command', command: [] },
  ])('125 for wrong usage: $name', async ({ command }) => {
    const { code, stderr } = await runContainer({ entrypoint: launcher, command });
    expect(code).toBe(125);
    expect(stderr).toMatch(/^subreaper: .*\n$/);
  });

  test('the reason is in /dev/termination-log, where that is a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'subreaper-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'termination-log');
    writeFileSync(file, '');
    const options = ['--volume', `${file}:/dev/termination-log`];
    await runContainer({ options, command: ['sh', '-c', 'exit 3'] });
    expect(readFileSync(file, 'utf8')).toBe('');
    await runContainer({ options, command: ['sh', '-c', 'kill -USR1 $$'] });
    expect(readFileSync(file, 'utf8')).toBe('the workload was killed by SIGUSR1: init did not send it\n');
  });

  test('options come from an image’s environment as well', async () => {
    const options = ['--env', 'SUBREAPER_OPTIONS=--remap-exit 7:3'];
    const { code } = await runContainer({ options, image: images.debian, command: ['sh', '-c', 'exit 7'] });
    expect(code).toBe(3);
  });
});
