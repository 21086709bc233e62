import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../helpers/proc.ts';
import { whoReaps } from './reaper.ts';
import { inBothModes, type Scene } from './scene.ts';
import { start } from './start.ts';

const SIGUSR1 = 10;

/** PIDFD_GET_INFO, as strace prints a request that it does not know. */
const getInfo = /^.*ioctl\(\d+, _IOC\(_IOC_READ\|_IOC_WRITE, 0xff, 0xb, 0x40\), .*= (.*)$/m;

/** The system calls of init that differ between kernels: strace(1). */
export const calls: readonly Scene[] = [
  inBothModes(
    'what init asks of the kernel',
    async (mode) => {
      const trace = join(mkdtempSync(join(tmpdir(), 'strace-')), 'calls');
      const traced = 'trace=ioctl,kill,pidfd_send_signal,rt_sigaction';
      const init = await start({
        mode,
        under: ['strace', '-f', '--seccomp-bpf', '-qq', '-o', trace, '-e', traced, '-e', 'signal=none'],
        options: ['-v'],
        command: [
          'sh',
          '-c',
          `trap 'echo usr1; exit 0' USR1; setsid sleep 1000 & echo ready; sleep 1000 & wait`,
        ],
      });
      await init.nextLine();
      await until(() => whoReaps(init.stderr()), 'init has settled');
      init.kill(SIGUSR1);
      await init.nextLine();
      const { code } = await init.exit;
      const text = readFileSync(trace, 'utf8');
      const answer = getInfo.exec(text)?.[1];
      return {
        code,
        reapedStatus: answer === '0' ? 'told' : answer?.split(' ')[1],
        groupSignals: /pidfd_send_signal\(\d+, SIGUSR1, NULL, 0x4\) = 0/.test(text)
          ? 'by pidfd'
          : /kill\(-\d+, SIGUSR1\) += 0/.test(text)
            ? 'by number'
            : text,
        kernelReapsAtTheEnd: /rt_sigaction\(SIGCHLD, \{[^}]*SA_NOCLDWAIT/.test(text),
      };
    },
    ({ reapedStatus, groupSignals }) => ({ code: 0, reapedStatus, groupSignals, kernelReapsAtTheEnd: true }),
  ),
];
