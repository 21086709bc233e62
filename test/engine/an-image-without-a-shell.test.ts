import { expect, test } from 'vitest';
import { until } from '../helpers/proc.ts';
import { describeEngine, images, runContainer, startContainer } from './containers.ts';

const image = images.withoutShell;
const app = (code: string) => ({ image, command: ['node', '-e', code] });

/** node starts node, which starts a detached node: that becomes an orphan when its parent ends. */
const leaveOrphans = (count: number, orphanCode: string) => `
  const { spawnSync } = require('child_process');
  const middle = \`require('child_process').spawn(process.execPath, ['-e', process.argv[1]],
    { detached: true, stdio: 'ignore' }).unref()\`;
  for (let i = 0; i < ${count}; i++) spawnSync(process.execPath, ['-e', middle, ${JSON.stringify(orphanCode)}]);
  console.log('ready');
  setInterval(() => {}, 1000);`;

describeEngine('an image with no shell', () => {
  test('has none', async () => {
    const { code, stderr } = await runContainer({ image, command: ['sh', '-c', 'exit 7'] });
    expect(code).toBe(127);
    expect(stderr).toMatch(/^subreaper: .*\n$/);
  });

  test.each([
    { name: 'an exit code', code: 'process.exit(7)', status: 7 },
    { name: '128 + N of a signal', code: `process.kill(process.pid, 'SIGKILL')`, status: 137 },
  ])('$name comes out', async ({ code, status }) => {
    const stderr = status > 128 ? expect.stringContaining('killed by SIGKILL') : '';
    expect(await runContainer(app(code))).toEqual({ code: status, stdout: '', stderr });
  });

  test('the app runs below subreaper, and gets its signals', async () => {
    const running = await startContainer(
      app(`process.on('SIGTERM', () => process.exit(process.ppid + 4)); setInterval(() => {}, 1000);
        console.log('ready');`),
    );
    expect(await running.nextLine()).toBe('ready');
    await running.stop();
    expect(await running.wait()).toBe(5);
  });

  test('orphans are reaped', async () => {
    const running = await startContainer(app(leaveOrphans(5, '')));
    expect(await running.nextLine()).toBe('ready');
    await until(() => running.processes().length === 2, 'subreaper and the app are left');
    await running.stop();
    expect(await running.wait()).toBe(143);
  });

  test('what the app leaves running ends with it', async () => {
    const running = await startContainer({
      ...app(leaveOrphans(2, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`)),
      options: ['--env', 'SUBREAPER_OPTIONS=--grace 200ms'],
    });
    expect(await running.nextLine()).toBe('ready');
    await until(() => running.processes().length === 4, 'two are left behind');
    await running.stop();
    expect(await running.wait()).toBe(143);
  });

  test('an app can be its own init', async () => {
    const running = await startContainer({
      image,
      entrypoint: '/usr/local/bin/node',
      command: ['--import', 'subreaper/register', '-e', leaveOrphans(3, '')],
    });
    expect(await running.nextLine()).toBe('ready');
    await until(() => running.processes().length === 1, 'the app is left');
    await running.stop();
    expect(await running.wait()).toBe(143);
  });
});
