import { expect, test } from 'vitest';
import { until } from '../helpers/proc.ts';
import {
  areZombies,
  type Container,
  describeEngine,
  images,
  startContainer,
  untilOnly,
} from './containers.ts';

/** A probe that leaves so many orphans: each a child of a shell that has ended. */
const leave = (orphans: number) =>
  ['sh', '-c', `i=0; while [ $i -lt ${orphans} ]; do (sleep 0.01 &); i=$((i + 1)); done`] as const;

const zombies = (container: Container) => container.processes().filter(areZombies);

describeEngine('docker exec', () => {
  test('a probe that leaves a thousand orphans: none stays', async () => {
    const container = await startContainer({ command: ['sleep', '1000'] });
    expect(await container.exec(...leave(1000))).toEqual({ code: 0, stdout: '', stderr: '' });
    await untilOnly(container, ['subreaper', 'sleep']);
  });

  test('thirty probes, one after another and some at a time: nothing stays', async () => {
    const container = await startContainer({ command: ['sleep', '1000'] });
    for (let round = 0; round < 10; round++) {
      const probes = await Promise.all([1, 2, 3].map(() => container.exec(...leave(5))));
      expect(probes.map(({ code }) => code)).toEqual([0, 0, 0]);
    }
    await untilOnly(container, ['subreaper', 'sleep']);
  });

  test('an app that is its own init reaps them as well', async () => {
    const app = `setInterval(() => {}, 1000); console.log('ready')`;
    const container = await startContainer({
      entrypoint: 'node',
      command: ['--import', 'subreaper/register', '-e', app],
    });
    expect(await container.nextLine()).toBe('ready');
    expect((await container.exec(...leave(1000))).code).toBe(0);
    await until(() => container.processes().length === 1, 'only the app is left');
  });

  test('what a probe leaves running ends with the container, at once', async () => {
    const container = await startContainer({
      // They end by the signal, or not before the engine kills them.
      options: ['--env', 'SUBREAPER_OPTIONS=--grace 600s'],
      command: ['sleep', '1000'],
    });
    await container.exec('sh', '-c', 'setsid sleep 2000 & (sleep 2000 &)');
    await untilOnly(container, ['subreaper', 'sleep', 'sleep', 'sleep']);
    await container.stop();
    expect(await container.wait()).toBe(143);
  });

  test('without an init they stay: a PID 1 that reaps nothing', async () => {
    const container = await startContainer({ image: images.base, entrypoint: 'sleep', command: ['1000'] });
    await container.exec(...leave(100));
    await until(() => zombies(container).length === 100, 'a hundred zombies');
  });
});
