// From exec to the first instruction of the workload, and to the end of init.
import { availableParallelism } from 'node:os';
import { app, helpers } from '../files.mjs';
import { launch, OUT } from '../processes.mjs';

const base = { name: 'node empty.cjs', line: () => ['node', app('empty/empty.cjs')] };
const firstLine = { name: 'node, first line', line: ([, stamp]) => ['node', app('app.cjs'), stamp] };

export async function measure({ record, candidates, size }) {
  const rounds = size(40, 4);
  // pm2-runtime takes ten seconds to end. s6-svscan stays when its service ends.
  const pm2 = { rounds: size(3, 1), limitMs: size(20_000, 3000) };
  const limits = { 'pm2-runtime': pm2, 's6-svscan': { limitMs: 1000 } };
  const inits = candidates.map((candidate) => ({ ...candidate, ...limits[candidate.name] }));
  const settings = { rounds, candidates: [...inits, base, firstLine], base: base.name };
  await record.compare('start: ', settings, async (candidate) => {
    const { limitMs } = candidate;
    const { toWorkload, toExit } = await launch(candidate, [helpers.stamp, OUT], { limitMs });
    // A script has no workload: the start of an init is compared with the whole run of one.
    const start = candidate === base ? toExit : toWorkload;
    return { 'exec to workload (ms)': start, 'exec to exit (ms)': toExit };
  });
  const ending = candidates.filter(({ forwards }) => forwards);
  const pinned = { rounds, candidates: [...ending, base], base: base.name };
  const before = ['taskset', '-c', `${availableParallelism() - 1}`];
  await record.compare('start: pinned to one core, ', pinned, async (candidate) => {
    const { toExit, cpuMs } = await launch(candidate, ['true'], { before });
    return { 'exec to exit of true (ms)': toExit, 'user and system time (ms)': cpuMs };
  });
}
