// From exec to the first instruction of the workload, and to the end of init.
import { withoutShell } from '../candidates.mjs';
import { figuresOf } from '../figures.mjs';
import { app } from '../paths.mjs';
import { launch } from '../processes.mjs';
import { inRounds } from '../rounds.mjs';

const base = 'node empty.cjs';

export async function measure({ candidates, helpers, size, progress }) {
  const command = (fifo) => [helpers.stamp, fifo];
  const lines = [
    { name: base, line: () => ['node', app('empty.cjs')] },
    { name: 'node, first line', line: (fifo) => ['node', app('first-line.cjs'), fifo] },
    ...[...candidates, withoutShell].map(({ name, line }) => ({ name, line: (fifo) => line(command(fifo)) })),
  ];
  const [pm2, others] = split(lines, ({ name }) => name === 'pm2-runtime');
  const run = (rounds, candidates, limits) =>
    inRounds({
      title: 'start',
      rounds,
      candidates,
      progress,
      measure: ({ line }) => launch(helpers, line, limits),
    });
  // s6-svscan stays when its service ends.
  const fast = await run(size.rounds, others, { exitMs: 500 });
  // It takes ten seconds to end: fewer rounds, and the script beside it in each.
  const slow = await run(size.pm2Rounds, pm2.length > 0 ? [lines[0], ...pm2] : [], {
    exitMs: size.pm2ExitMs,
  });
  return {
    figures: [
      ...figuresOf('start: exec to workload', 'ms', startsOf(fast), base),
      ...figuresOf('start: exec to workload', 'ms', startsOf(slow), base).filter(isNotBase),
      ...figuresOf('start: exec to exit', 'ms', fast.values.toExit, base),
      ...figuresOf('start: exec to exit', 'ms', slow.values.toExit ?? {}, base).filter(isNotBase),
    ],
    failures: [...fast.failures, ...slow.failures],
  };
}

/** A script has no workload: its whole run is what an init's start is compared with. */
function startsOf({ values: { toWorkload = {}, toExit = {} } }) {
  return toExit[base] ? { ...toWorkload, [base]: toExit[base] } : {};
}

function isNotBase({ candidate }) {
  return candidate !== base;
}

function split(list, isFirst) {
  return [list.filter(isFirst), list.filter((item) => !isFirst(item))];
}
