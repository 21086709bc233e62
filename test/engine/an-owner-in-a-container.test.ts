import { expect, test } from 'vitest';
import { type ContainerOptions, describeEngine, startContainer, untilOnly } from './containers.ts';

/** It ignores SIGTERM, in two sessions. */
const tree = `trap '' TERM; setsid sleep 1000 & sleep 1000 & echo ready; wait`;

/** @param then what the owner does once its tree runs */
const owner = (then = '') => `
  import { spawnBound } from 'subreaper';
  process.on('SIGTERM', () => process.exit(3));
  const tree = spawnBound('sh', ['-c', ${JSON.stringify(tree)}], { graceMs: 200 });
  tree.stdout.once('data', () => { console.log('ready'); ${then} });`;

const asPid1 = (): ContainerOptions => ({
  entrypoint: 'node',
  command: ['--input-type=module', '-e', owner()],
});

/** A shell is PID 1. It goes on when the owner has ended, and reaps. */
const belowShell = (then: string, options: readonly string[] = []): ContainerOptions => ({
  entrypoint: 'sh',
  options,
  command: [
    '-c',
    'node --input-type=module -e "$0"; echo "owner ended with $?"; while :; do sleep 1000; done',
    owner(then),
  ],
});

describeEngine('an owner in a container', () => {
  test.each(['KILL', 'TERM'])('as PID 1 that the engine ends with SIG%s: nothing is left', async (signal) => {
    const container = await startContainer(asPid1());
    expect(await container.nextLine()).toBe('ready');
    await container.signal(signal);
    expect(await container.wait()).toBe(signal === 'KILL' ? 137 : 3);
    await untilOnly(container, []);
  });

  test('that the kernel kills for memory: its tree ends, and the container goes on', async () => {
    const hog = 'const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));';
    const options = ['--memory=200m', '--memory-swap=200m'];
    const container = await startContainer(belowShell(hog, options));
    expect(await container.nextLine()).toBe('ready');
    expect(await container.nextLine()).toBe('owner ended with 137');
    await untilOnly(container, ['sh', 'sleep']);
    expect(await container.inspect('{{.State.Running}}')).toBe('true');
  });

  test('that exits below a PID 1 that stays', async () => {
    const container = await startContainer(belowShell('process.exit(4);'));
    expect(await container.nextLine()).toBe('ready');
    expect(await container.nextLine()).toBe('owner ended with 4');
    await untilOnly(container, ['sh', 'sleep']);
  });
});
