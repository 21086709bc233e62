// From exec to the first instruction of the workload, and to the end of init.
import { withoutShell } from '../candidates.mjs';
import { app, helpers } from '../files.mjs';
import { launch } from '../processes.mjs';

const base = 'node empty.cjs';

export async function measure({ record, candidates, size }) {
  const [subreaper, ...others] = candidates;
  const inits = [subreaper, withoutShell, ...others].map(({ name, line }) => ({
    name,
    line: (stamp) => line([helpers.stamp, stamp]),
    // The one takes ten seconds to end, the other stays when its service ends.
    ...(name === 'pm2-runtime' && size.pm2),
    ...(name === 's6-svscan' && { limitMs: 1000 }),
  }));
  const scripts = [
    { name: base, line: () => ['node', app('empty.cjs')] },
    { name: 'node, first line', line: (stamp) => ['node', app('first-line.cjs'), stamp] },
  ];
  const { toWorkload, toExit = {} } = await record.inRounds(
    'start',
    size.rounds,
    [...inits, ...scripts],
    ({ line, limitMs }) => launch(line, limitMs),
  );
  // A script has no workload: its whole run is what an init's start is compared with.
  record.add('start: exec to workload', 'ms', { ...toWorkload, [base]: toExit[base] }, base);
  record.add('start: exec to exit', 'ms', toExit, base);
}
