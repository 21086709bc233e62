// From exec to the first instruction of the workload, and to the end of init.
import { availableParallelism } from 'node:os';
import { app, helpers } from '../files.mjs';
import { launch } from '../processes.mjs';

const base = 'node empty.cjs';
const nodeAlone = { name: base, line: () => ['node', app('empty/empty.cjs')] };
const firstLine = { name: 'node, first line', line: ([, stamp]) => ['node', app('app.cjs'), stamp] };

export async function measure({ record, candidates, size }) {
  const rounds = size(40, 4);
  // pm2-runtime takes ten seconds to end. s6-svscan stays when its service ends.
  const limits = {
    'pm2-runtime': { rounds: size(3, 1), limitMs: size(20_000, 3000) },
    's6-svscan': { limitMs: 1000 },
  };
  const inits = candidates.map((candidate) => ({ ...candidate, ...limits[candidate.name] }));
  await record.compare(
    { toWorkload: 'start: exec to workload (ms)', toExit: 'start: exec to exit (ms)' },
    { rounds, candidates: [...inits, nodeAlone, firstLine], base },
    async ({ name, line, limitMs }) => {
      const { toWorkload, toExit } = await launch((stamp) => line([helpers.stamp, stamp]), { limitMs });
      // A script has no workload: the start of an init is compared with the whole run of one.
      return { toWorkload: name === base ? toExit : toWorkload, toExit };
    },
  );

  const before = ['taskset', '-c', `${availableParallelism() - 1}`];
  await record.compare(
    {
      toExit: 'start: pinned to one core, exec to exit of true (ms)',
      cpuMs: 'start: pinned to one core, user and system time (ms)',
    },
    { rounds, candidates: [...candidates.filter(({ forwards }) => forwards), nodeAlone], base },
    ({ line }) => launch(() => line(['true']), { before }),
  );
}
