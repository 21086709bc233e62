// From exec to the first instruction of the workload, and to the end of init; and what an owner pays for spawnBound.
import { availableParallelism } from 'node:os';
import { app, freshPath, helpers } from '../files.mjs';
import { asPid1, launch, OUT } from '../processes.mjs';

const empty = { name: 'node empty.cjs', line: () => ['node', app('empty/empty.cjs')] };
const firstLine = { name: 'node, first line', line: ([, stamp]) => ['node', app('app.cjs'), stamp] };
const ways = { spawn: 'spawn', subreaper: 'spawn of subreaper --', spawnBound: 'spawnBound' };
const owners = Object.entries(ways).map(([how, name]) => ({ how, name }));

export async function start({ compare, candidates, size }) {
  const settings = { rounds: size(40, 4), base: empty.name };
  await compare('start: ', [...candidates, empty, firstLine], settings, async (candidate) => {
    const { toWorkload, toExit } = await launch(candidate, [helpers.stamp, OUT]);
    // A script has no workload: the start of an init is compared with the whole run of one.
    return {
      'exec to workload (ms)': candidate === empty ? toExit : toWorkload,
      'exec to exit (ms)': toExit,
    };
  });
  const ending = candidates.filter(({ forwards }) => forwards);
  const before = ['taskset', '-c', `${availableParallelism() - 1}`];
  await compare('start: pinned to one core, ', [...ending, empty], settings, async (candidate) => {
    const { toExit, cpuMs } = await launch(candidate, ['true'], { before });
    return { 'exec to exit of true (ms)': toExit, 'user and system time (ms)': cpuMs };
  });
}

/** From the call to the first instruction of the command, and to the exit event. */
export async function bound({ compare, size }) {
  await compare('bound: ', owners, { rounds: size(40, 4), base: 'spawn' }, async ({ how }) => {
    const file = freshPath();
    const command = [app('spawner.mjs'), OUT, how, file, helpers.stamp, file];
    const [[toCommand, toExit]] = await asPid1({ init: ['node'] }, command);
    return { 'call to command (ms)': toCommand, 'call to exit event (ms)': toExit };
  });
}
