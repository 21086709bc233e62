import { actor } from '../../helpers/environment.ts';
import { childrenOf, processStat, until } from '../../helpers/proc.ts';
import { inBothModes, type Scene } from './scene.ts';
import { start } from './start.ts';

/** The 21 named signals that init forwards, and the 31 real-time ones. */
const named = [1, 2, 3, 10, 12, 13, 14, 15, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
const realTime = Array.from({ length: 31 }, (_, index) => 34 + index);
const forwarded = [...named, ...realTime];

const SIGCONT = 18;
const SIGRTMIN = 34;
const QUEUED = 200;

/** Says that SIGTERM has come, and ends. */
const child = `sh -c "trap 'echo child; exit' TERM; echo ready; sleep 1000 & wait"`;

export const signals: readonly Scene[] = [
  inBothModes(
    'every signal reaches the workload once',
    async (mode) => {
      const init = await start({ mode, command: [actor, 'signals'] });
      await init.nextLine();
      const seen: number[] = [];
      for (const signal of forwarded) {
        init.kill(signal);
        seen.push(Number(await init.nextLine()));
      }
      return seen;
    },
    () => forwarded,
  ),

  inBothModes(
    'a signal reaches the whole process group, and a workload that handles it ends as it likes',
    async (mode) => {
      const script = `trap "echo parent" TERM; ${child} & wait; wait; exit 3`;
      const init = await start({ mode, command: ['sh', '-c', script] });
      await init.nextLine();
      init.kill('SIGTERM');
      const lines = [await init.nextLine(), await init.nextLine()].sort();
      return { lines, ...(await init.exit) };
    },
    () => ({ lines: ['child', 'parent'], code: 3, signal: null }),
  ),

  inBothModes(
    'with --scope child it reaches the workload alone',
    async (mode) => {
      const script = `trap "echo parent" TERM; ${child} & wait; wait; exit 3`;
      const init = await start({ mode, options: ['--scope', 'child'], command: ['sh', '-c', script] });
      const lines = [await init.nextLine()];
      init.kill('SIGTERM');
      lines.push(await init.nextLine());
      // The child goes on until it is told itself.
      const [shell] = childrenOf(init.pid);
      const [below] = childrenOf((shell as { pid: number }).pid);
      process.kill((below as { pid: number }).pid, 'SIGTERM');
      lines.push(await init.nextLine());
      return { lines, ...(await init.exit) };
    },
    () => ({ lines: ['ready', 'parent', 'child'], code: 3, signal: null }),
  ),

  inBothModes(
    'with --scope tree it reaches every session',
    async (mode) => {
      const command = ['sh', '-c', `setsid ${actor} signals & ${actor} signals & exec ${actor} signals`];
      const init = await start({ mode, options: ['--scope', 'tree'], command });
      for (let ready = 0; ready < 3; ready++) await init.nextLine();
      init.kill('SIGTERM');
      const seen: string[] = [];
      for (let line = 0; line < 3; line++) seen.push(await init.nextLine());
      return seen;
    },
    () => ['15', '15', '15'],
  ),

  inBothModes(
    `${QUEUED} queued real-time signals all arrive`,
    async (mode) => {
      const init = await start({ mode, command: [actor, 'signals'] });
      await init.nextLine();
      init.kill('SIGSTOP');
      await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
      for (let count = 0; count < QUEUED; count++) init.kill(SIGRTMIN);
      init.kill('SIGCONT');
      const seen = new Map<string, number>();
      // SIGCONT is forwarded as well.
      for (let count = 0; count <= QUEUED; count++) {
        const signal = await init.nextLine();
        seen.set(signal, (seen.get(signal) ?? 0) + 1);
      }
      return Object.fromEntries(seen);
    },
    () => ({ [SIGCONT]: 1, [SIGRTMIN]: QUEUED }),
  ),
];
