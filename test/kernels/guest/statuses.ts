import { actor } from '../../helpers/environment.ts';
import { inBothModes, type Scene } from './scene.ts';
import { run } from './start.ts';

interface Ending {
  readonly name: string;
  readonly command: readonly string[];
  readonly status: number;
}

const SIGRTMAX = 64;

/** Longer than init takes before it may leave the reaping to the kernel. */
const late = (script: string) => ['sh', '-c', `sleep 0.5; ${script}`];

const endings: readonly Ending[] = [
  { name: 'exit 0', command: ['true'], status: 0 },
  { name: 'exit 255', command: ['sh', '-c', 'exit 255'], status: 255 },
  { name: `signal ${SIGRTMAX}`, command: [actor, 'die', `${SIGRTMAX}`], status: 128 + SIGRTMAX },
  { name: 'exit 3, late', command: late('exit 3'), status: 3 },
  { name: 'SIGKILL, late', command: late('kill -KILL $$'), status: 137 },
  {
    name: 'exit 4 of the program that it became, late',
    command: late('exec sh -c "sleep 0.3; exit 4"'),
    status: 4,
  },
  { name: 'exit 6 of its second thread', command: [actor, 'first-thread'], status: 6 },
  { name: 'no such command', command: ['no-such-command'], status: 127 },
];

export const statuses: readonly Scene[] = [
  inBothModes(
    'init ends with the status of the workload',
    async (mode) => {
      const seen: [string, number | string | null][] = [];
      for (const { name, command } of endings) {
        const { code, signal } = await run({ mode, command });
        seen.push([name, signal ?? code]);
      }
      return seen;
    },
    () => endings.map(({ name, status }) => [name, status]),
  ),
];
