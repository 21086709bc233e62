import { expect, test } from 'vitest';
import { slowness } from '../helpers/slowness.mjs';
import { type ContainerOptions, describeEngine, runContainer, startContainer } from './containers.ts';

/** How much longer than its time an end may take: on an idle machine less than the default of --grace. */
const allowanceMs = () => 1000 * slowness();
const gracefulMs = 700;

const graceful = `
  process.on('SIGTERM', () => setTimeout(() => { console.log('bye'); process.exit(3); }, ${gracefulMs}));
  setInterval(() => {}, 1000);
  console.log('ready');`;
const withoutHandler = `setInterval(() => {}, 1000); console.log('ready');`;

const register = ['--import', 'subreaper/register'];
const below = (...command: string[]): ContainerOptions => ({ command });
const itsOwnInit = (app: string): ContainerOptions => ({
  entrypoint: 'node',
  command: [...register, '-e', app],
});

describeEngine('docker stop', () => {
  test.each([
    { name: 'below subreaper', container: below('node', '-e', graceful), code: 3 },
    { name: 'as its own init', container: itsOwnInit(graceful), code: 3 },
    // The signal ends the shell at once, and its status counts. The app still gets its time.
    { name: 'behind a shell', container: below('sh', '-c', 'node -e "$0"; exit', graceful), code: 143 },
  ])('an app with a graceful shutdown, $name', async ({ container, code }) => {
    const running = await startContainer(container);
    expect(await running.nextLine()).toBe('ready');
    const tookMs = await running.stop();
    expect(await running.nextLine()).toBe('bye');
    expect(await running.wait()).toBe(code);
    expect(tookMs).toBeGreaterThan(gracefulMs);
  });

  test.each([
    { name: 'below subreaper', container: below('node', '-e', withoutHandler) },
    { name: 'as its own init', container: itsOwnInit(withoutHandler) },
    { name: 'behind a shell', container: below('sh', '-c', 'node -e "$0"; exit', withoutHandler) },
  ])('an app without a handler, $name, ends by the signal', async ({ container }) => {
    const running = await startContainer(container);
    expect(await running.nextLine()).toBe('ready');
    await running.stop();
    expect(await running.wait()).toBe(143);
  });

  test('the same app as PID 1 without an init takes all the time there is, and is killed', async () => {
    const running = await startContainer({
      entrypoint: 'node',
      options: ['--stop-timeout', '2'],
      command: ['-e', withoutHandler],
    });
    expect(await running.nextLine()).toBe('ready');
    expect(await running.stop()).toBeGreaterThan(2000);
    expect(await running.wait()).toBe(137);
  });

  test('what the app leaves behind does not outlast --grace', async () => {
    // It ignores SIGTERM, in another session.
    const survivor = `setsid sh -c 'trap "" TERM; echo ready; exec sleep 1000' & exec sleep 1000`;
    const running = await startContainer({
      options: ['--env', 'SUBREAPER_OPTIONS=--grace 500ms'],
      command: ['sh', '-c', survivor],
    });
    expect(await running.nextLine()).toBe('ready');
    const tookMs = await running.stop();
    expect(tookMs).toBeGreaterThan(500);
    expect(tookMs).toBeLessThan(500 + allowanceMs());
    expect(await running.wait()).toBe(143);
  });

  test('an app that blocks its event loop is killed after --stop-timeout', async () => {
    const running = await startContainer({
      options: ['--env', 'SUBREAPER_OPTIONS=--stop-timeout 500ms'],
      command: ['node', '-e', `process.on('SIGTERM', () => {}); console.log('ready'); for (;;);`],
    });
    expect(await running.nextLine()).toBe('ready');
    expect(await running.stop()).toBeLessThan(500 + allowanceMs());
    expect(await running.wait()).toBe(137);
  });
});

describeEngine('docker kill', () => {
  test.each(['RTMIN+3', '37'])('--signal %s reaches the workload', async (signal) => {
    const script = 'trap "echo got 37; exit 5" 37; echo ready; while :; do sleep 0.01; done';
    const running = await startContainer({ command: ['sh', '-c', script] });
    expect(await running.nextLine()).toBe('ready');
    await running.signal(signal);
    expect(await running.nextLine()).toBe('got 37');
    expect(await running.wait()).toBe(5);
  });

  test.each(['HUP', 'USR1', 'USR2', 'WINCH'] as const)('--signal %s reaches the workload', async (signal) => {
    const app = `process.on('SIG${signal}', (name) => { console.log(name); process.exit(5); });
      setInterval(() => {}, 1000); console.log('ready');`;
    const running = await startContainer(below('node', '-e', app));
    expect(await running.nextLine()).toBe('ready');
    await running.signal(signal);
    expect(await running.nextLine()).toBe(`SIG${signal}`);
    expect(await running.wait()).toBe(5);
  });

  test('a STOPSIGNAL of the image’s is forwarded as any other', async () => {
    const script = 'trap "echo got QUIT; exit 6" QUIT; echo ready; while :; do sleep 0.01; done';
    const running = await startContainer({
      options: ['--stop-signal', 'QUIT'],
      command: ['sh', '-c', script],
    });
    expect(await running.nextLine()).toBe('ready');
    await running.stop();
    expect(await running.nextLine()).toBe('got QUIT');
    expect(await running.wait()).toBe(6);
  });
});

describeEngine('an image that says --init as well', () => {
  test('subreaper below the engine’s own init ends its tree as a plain subreaper', async () => {
    const script = `(setsid sleep 1000 &); read -r name </proc/1/comm; echo "$name"; exit 4`;
    const { code, stdout, stderr } = await runContainer({
      options: ['--init'],
      command: ['sh', '-c', script],
    });
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    expect(stdout).not.toContain('subreaper');
  });
});
