import { expect, test } from 'vitest';
import { until } from '../helpers/proc.ts';
import {
  areZombies,
  type Container,
  describeEngine,
  images,
  launcher,
  startContainer,
  untilOnly,
} from './containers.ts';

/** A pause container that reaps nothing: zombies that it adopts stay. */
function startPause(): Promise<Container> {
  return startContainer({ image: images.base, entrypoint: 'sleep', command: ['1000'] });
}

/** Orphans that end, and survivors that ignore SIGTERM, some in other sessions. */
const tree = `
  i=0; while [ $i -lt 20 ]; do (true &); i=$((i + 1)); done
  for n in 1 2 3; do
    (trap '' TERM; exec sleep 2000) &
    setsid sh -c 'trap "" TERM; sleep 2000; :' &
    (setsid sh -c 'trap "" TERM; (sleep 2000 &); sleep 2000; :' &)
  done
  echo started`;

/** Without the engine, which kills all processes of the cgroup at the end of a container. */
const sleepers = (pause: Container) =>
  pause.processes().filter(({ name, pid }) => name === 'sleep' && pid !== pause.pid);

describeEngine('docker run --pid=container:<other>, whose PID 1 reaps nothing', () => {
  test('nothing of its tree is left when it ends by docker stop, and no zombie', async () => {
    const pause = await startPause();
    const container = await startContainer({
      options: [`--pid=container:${pause.id}`, '--env', 'SUBREAPER_OPTIONS=--grace 200ms'],
      command: ['sh', '-c', `${tree}; exec sleep 2000`],
    });
    expect(await container.nextLine()).toBe('started');
    await until(() => sleepers(pause).length === 13, 'the tree is complete');
    expect(pause.processes().filter(({ parent }) => parent === pause.pid)).toEqual([]);
    await container.stop();
    expect(await container.wait()).toBe(143);
    expect(pause.processes().map(({ pid }) => pid)).toEqual([pause.pid]);
  });

  test('nor when its workload ends, and the rest of the container lives on', async () => {
    const pause = await startPause();
    // The engine kills nothing here, because the first process of the container is the shell.
    const script = `"$0" --grace 200ms -- sh -c "$1; exit 5"; echo "ended $?"; exec sleep 3000`;
    const container = await startContainer({
      options: [`--pid=container:${pause.id}`],
      entrypoint: 'sh',
      command: ['-c', script, launcher, tree],
    });
    expect(await container.nextLine()).toBe('started');
    expect(await container.nextLine()).toBe('ended 5');
    await untilOnly(pause, ['sleep', 'sleep']);
  });

  test('without subreaper the same tree leaves zombies and survivors', async () => {
    const pause = await startPause();
    const container = await startContainer({
      options: [`--pid=container:${pause.id}`],
      entrypoint: 'sh',
      command: ['-c', `sh -c "$0"; exec sleep 3000`, tree],
    });
    expect(await container.nextLine()).toBe('started');
    await until(() => pause.processes().filter(areZombies).length >= 20, 'its orphans are zombies');
    await until(() => sleepers(pause).length >= 12, 'its survivors sleep');
  });

  test('signals reach the workload', async () => {
    const pause = await startPause();
    const container = await startContainer({
      options: [`--pid=container:${pause.id}`],
      command: ['sh', '-c', 'exec 2>/dev/null; trap "exit 6" USR1; echo ready; while :; do sleep 0.01; done'],
    });
    expect(await container.nextLine()).toBe('ready');
    await container.signal('USR1');
    expect(await container.wait()).toBe(6);
    await untilOnly(pause, ['sleep']);
    // The default seccomp profile allows a subreaper, so there is no warning.
    expect((await container.logs()).stderr).toBe('');
  });
});
