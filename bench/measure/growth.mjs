// Thousands of live processes below init: does the time for what it does with all of them grow faster than their number?
import { subreaper } from '../candidates.mjs';
import { helpers } from '../files.mjs';
import { withCommas } from '../numbers.mjs';
import { launch, rowsOf } from '../processes.mjs';

const withOptions = (name, ...options) => ({
  name,
  line: (command) => [...subreaper(...options), ...command],
});
const endings = [withOptions('SIGTERM'), withOptions('--grace 0', '--grace', '0')];
/** The helper signals all of them twice: through init, and by itself. */
const toTree = withOptions('--scope tree', '--scope', 'tree', '--grace', '0');
const senders = [
  { ...toTree, column: 0 },
  { ...toTree, name: 'kill() for each', column: 1 },
];

export async function measure({ record, candidates, size }) {
  const [tini] = candidates.filter(({ name }) => name === 'tini');
  const kernel = { ...tini, name: 'tini, the kernel' };
  const rounds = size(5, 1);
  for (const count of size([1000, 3000, 10_000], [300, 1000])) {
    const group = `growth: ${withCommas(count)} descendants`;
    await record.compare(
      { ms: `${group}, one signal to all (ms)` },
      { rounds, candidates: senders, base: 'kill() for each' },
      async ({ line, column }) => {
        const [times] = await rowsOf(line, 'sleepers', count, 'signal');
        if (times[column] < 0) throw new Error('not all of them got the signal');
        return { ms: times[column] };
      },
    );
    // The sleepers' parent, which is the workload, leaves them to init.
    const end = (before) => (init) =>
      launch((stamp) => [...before, ...init.line([helpers.sleepers, stamp, `${count}`, 'leave'])]);
    await record.compare(
      { fromWorkloadToExit: `${group}, end of all as PID 1 (ms)` },
      { rounds, candidates: [...endings, ...(tini ? [kernel] : [])], base: kernel.name },
      end(['unshare', '--pid', '--fork', '--mount-proc']),
    );
    await record.compare(
      { fromWorkloadToExit: `${group}, end of all as subreaper (ms)` },
      { rounds, candidates: endings },
      end([]),
    );
  }
}
