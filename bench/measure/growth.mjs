// Thousands of live processes below init: does the time for what it does with all of them grow faster than their number?
import { subreaper } from '../candidates.mjs';
import { helpers } from '../files.mjs';
import { short } from '../numbers.mjs';
import { asPid1, launch, OUT } from '../processes.mjs';

const endings = [
  { name: 'SIGTERM', init: subreaper() },
  { name: '--grace 0', init: subreaper('--grace', '0') },
];
/** The helper signals all of them twice: through init, and by itself. */
const init = subreaper('--scope', 'tree', '--grace', '0');
const senders = [
  { name: '--scope tree', init, column: 0 },
  { name: 'kill() for each', init, column: 1 },
];

export async function measure({ record, candidates, size }) {
  const tini = candidates.filter(({ name }) => name === 'tini');
  const kernel = tini.map((candidate) => ({ ...candidate, name: 'tini, the kernel' }));
  const ways = {
    'PID 1': { behind: ['unshare', '--pid', '--fork', '--mount-proc'], candidates: [...endings, ...kernel] },
    subreaper: { behind: [], candidates: endings },
  };
  const rounds = size(5, 1);
  for (const count of size([1000, 3000, 10_000], [300, 1000])) {
    const title = `growth: ${short(count)} descendants, `;
    const settings = { rounds, candidates: senders, base: 'kill() for each' };
    await record.compare(title, settings, async (candidate) => {
      const [times] = await asPid1(candidate, [helpers.sleepers, OUT, count, 'signal']);
      const ms = times[candidate.column];
      if (ms < 0) throw new Error('not all of them got the signal');
      return { 'one signal to all (ms)': ms };
    });
    // The sleepers' parent, which is the workload, leaves them to init.
    const sleepers = [helpers.sleepers, OUT, count, 'leave'];
    for (const [as, { behind, candidates }] of Object.entries(ways)) {
      await record.compare(title, { rounds, candidates, base: 'tini, the kernel' }, async (candidate) => {
        const { fromWorkloadToExit } = await launch(candidate, sleepers, { behind });
        return { [`end of all as ${as} (ms)`]: fromWorkloadToExit };
      });
    }
  }
}
