// From exec to the first instruction of the workload, and to the end of init.
import { withoutShell } from '../candidates.mjs';
import { app, helpers } from '../files.mjs';
import { launch } from '../processes.mjs';

const base = 'node empty.cjs';

export async function measure({ record, candidates, size }) {
  const [subreaper, ...others] = candidates;
  const inits = [subreaper, withoutShell, ...others].map(({ name, line }) => ({
    name,
    line: (fifo) => line([helpers.stamp, fifo]),
    // It takes ten seconds to end.
    ...(name === 'pm2-runtime' && { rounds: size.pm2.rounds, exitMs: size.pm2.exitMs }),
  }));
  const scripts = [
    { name: base, line: () => ['node', app('empty.cjs')] },
    { name: 'node, first line', line: (fifo) => ['node', app('first-line.cjs'), fifo] },
  ];
  const { toWorkload, toExit = {} } = await record.inRounds(
    'start',
    size.rounds,
    [...inits, ...scripts],
    // s6-svscan stays when its service ends.
    ({ line, exitMs = 500 }) => launch(line, { exitMs }),
  );
  // A script has no workload: its whole run is what an init's start is compared with.
  record.add('start: exec to workload', 'ms', { ...toWorkload, [base]: toExit[base] }, base);
  record.add('start: exec to exit', 'ms', toExit, base);
}
