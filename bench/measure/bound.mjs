// What spawnBound costs over spawn: from the call to the first instruction of the command, and to the exit event.
import { app, freshPath, helpers } from '../files.mjs';
import { asPid1, OUT } from '../processes.mjs';

const candidates = [
  { name: 'spawn', how: 'spawn' },
  { name: 'spawn of subreaper --', how: 'subreaper' },
  { name: 'spawnBound', how: 'spawnBound' },
];

export async function measure({ record, size }) {
  const settings = { rounds: size(40, 4), candidates, base: 'spawn' };
  await record.compare('bound: ', settings, async ({ how }) => {
    const file = freshPath();
    const [[toCommand, toExit]] = await asPid1({ init: ['node', app('spawner.mjs')] }, [
      OUT,
      how,
      file,
      helpers.stamp,
      file,
    ]);
    return { 'call to command (ms)': toCommand, 'call to exit event (ms)': toExit };
  });
}
