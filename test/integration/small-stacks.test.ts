// musl gives a thread 128 KiB, unless its program asks for more, and a limit on the stack of the first thread counts for all
// that node starts.
import { expect, test } from 'vitest';
import { launcher } from '../helpers/environment.ts';
import { describeModes } from '../helpers/modes.ts';
import { runInit } from '../helpers/run-init.ts';

const withSmallStack = ['sh', '-c', 'ulimit -s 256; exec "$@"', 'sh'];

describeModes([], 'with a stack of 256 KiB', (mode) => {
  test('init reaps orphans and forwards a signal, and the workload has the same stack', async () => {
    const script = `
      (sleep 0.01 &); (sleep 0.01 &)
      trap 'ulimit -s; exit 7' USR1
      kill -USR1 $PPID
      while :; do sleep 0.01; done`;
    // The shell’s own sleep is in its group.
    const options = ['--scope', 'child'];
    const launch = [...withSmallStack, launcher];
    expect(await runInit({ mode, launch, options, command: ['sh', '-c', script] })).toEqual({
      ...{ code: 7, signal: null },
      ...{ stdout: '256\n', stderr: '' },
    });
  });
});
