import { randomUUID } from 'node:crypto';
import { actor } from '../../helpers/environment.ts';
import { childrenOf, descendantsOf, processStat, runningWith, until, zombiesOf } from '../../helpers/proc.ts';
import type { InitOptions } from '../../helpers/run-init.ts';
import { inBothModes, type Scene } from './scene.ts';
import { start } from './start.ts';

/** Starts init over a workload whose processes can all be found by a mark in their environment. */
async function startMarked(init: InitOptions) {
  const mark = randomUUID();
  const running = await start({ ...init, spawn: { env: { ...process.env, MARK: mark } } });
  const end = async () => ({ ...(await running.exit), left: runningWith(mark).map(({ name }) => name) });
  return { ...running, end };
}

/** Refuses to end, and prints the numbers of the signals that come. */
const survivor = `${actor} signals`;
/** SIGTERM, and SIGCONT, without which a stopped one would not act on it. */
const askedFor = ['15', '18'];

const SURVIVORS = 20;

/** They ignore SIGTERM, are in another session, are stopped, or have daemonized. */
const survivors = [
  '(trap "" TERM; exec sleep 1000) &',
  '(trap "" TERM; exec setsid sleep 1000) &',
  'sleep 1000 & kill -STOP $!;',
  `${actor} daemon &`,
];

export const ending: readonly Scene[] = [
  inBothModes(
    'survivors of every kind are gone when init ends',
    async (mode) => {
      const command = ['sh', '-c', `${survivors.join(' ')} echo started; read -r _; exit 5`];
      const init = await startMarked({ mode, options: ['--grace', '100ms'], command });
      for (let line = ''; line !== 'started'; ) line = await init.nextLine();
      // With the workload, and the one that the daemon has left.
      const all = survivors.length + 2;
      await until(() => descendantsOf(init.pid).length === all, 'they run');
      init.stdin.write('\n');
      return init.end();
    },
    () => ({ code: 5, signal: null, left: [] }),
  ),

  inBothModes(
    'a second stop signal during the grace time kills at once',
    async (mode) => {
      const init = await startMarked({
        mode,
        options: ['--grace', '1000s', '--scope', 'child'],
        command: ['sh', '-c', `trap "exit 6" TERM; ${survivor} & wait`],
      });
      await init.nextLine();
      init.kill('SIGTERM');
      // The workload ends by it. init asks the survivor, which refuses.
      const asked = [await init.nextLine(), await init.nextLine()];
      init.kill('SIGTERM');
      return { asked, ...(await init.end()) };
    },
    () => ({ asked: askedFor, code: 6, signal: null, left: [] }),
  ),

  inBothModes(
    '--stop-timeout kills a workload that does not stop',
    async (mode) => {
      const init = await startMarked({
        mode,
        options: ['--stop-timeout', '200ms', '--grace', '100ms'],
        command: ['sh', '-c', 'trap "" TERM; setsid sleep 1000 & echo ready; sleep 1000; sleep 1000'],
      });
      await init.nextLine();
      init.kill('SIGTERM');
      return init.end();
    },
    () => ({ code: 137, signal: null, left: [] }),
  ),

  inBothModes(
    'survivors that end while init is stopped leave no zombie',
    async (mode) => {
      const init = await startMarked({
        mode,
        options: ['--grace', '1000s'],
        command: ['sh', '-c', `for i in $(seq ${SURVIVORS}); do ${survivor} & done; read -r _; exit 4`],
      });
      for (let ready = 0; ready < SURVIVORS; ready++) await init.nextLine();
      init.stdin.write('\n');
      for (let lines = 0; lines < SURVIVORS * askedFor.length; lines++) await init.nextLine();
      init.kill('SIGSTOP');
      await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
      const adopted = childrenOf(init.pid).length;
      for (const { pid } of childrenOf(init.pid)) process.kill(pid, 'SIGKILL');
      await until(() => childrenOf(init.pid).every(({ state }) => state === 'Z'), 'they have ended');
      const zombies = zombiesOf(init.pid).length;
      init.kill('SIGCONT');
      return { adopted, zombies, ...(await init.end()) };
    },
    () => ({ adopted: SURVIVORS, zombies: 0, code: 4, signal: null, left: [] }),
  ),

  inBothModes(
    'a hostile tree of 20 is gone when init ends',
    async (mode) => {
      const command = [actor, 'hostile', '20'];
      const init = await startMarked({ mode, options: ['--grace', '200ms'], command });
      await init.nextLine();
      init.stdin.write('\n');
      return init.end();
    },
    () => ({ code: 5, signal: null, left: [] }),
  ),

  inBothModes(
    '--restart on-failure:2 runs the workload three times',
    async (mode) => {
      const init = await startMarked({
        mode,
        options: ['--restart', 'on-failure:2'],
        // Longer than init takes before it may leave the reaping to the kernel.
        command: ['sh', '-c', 'grep SigIgn /proc/self/status; sleep 0.5; exit 3'],
      });
      const ignored = [await init.nextLine(), await init.nextLine(), await init.nextLine()];
      return { ignored, ...(await init.end()) };
    },
    () => ({
      ignored: Array.from({ length: 3 }, () => 'SigIgn:\t0000000000000000'),
      ...{ code: 3, signal: null, left: [] },
    }),
  ),

  inBothModes(
    '--until all waits for the last descendant',
    async (mode) => {
      const init = await startMarked({
        mode,
        options: ['--until', 'all', '-v'],
        command: ['sh', '-c', 'exec 3<&0; (read -r _ <&3; echo last) & sleep 0.5; exit 3'],
      });
      await until(() => init.stderr().includes('workload ended'), 'the workload has ended');
      init.stdin.write('\n');
      return { line: await init.nextLine(), ...(await init.end()) };
    },
    () => ({ line: 'last', code: 3, signal: null, left: [] }),
  ),

  inBothModes(
    '--pause ends with 0 on a stop signal',
    async (mode) => {
      const init = await startMarked({ mode, options: ['--pause', '-v'], command: [] });
      await until(() => init.stderr().includes('pausing'), 'init pauses');
      init.kill('SIGTERM');
      return init.end();
    },
    () => ({ code: 0, signal: null, left: [] }),
  ),
];
