import { actor } from '../../helpers/environment.ts';
import { childrenOf, processStat, until, zombiesOf } from '../../helpers/proc.ts';
import type { RunningInit } from '../../helpers/run-init.ts';
import { ignoresChildren, whoReaps } from './reaper.ts';
import { inBothModes, type Scene } from './scene.ts';
import { start } from './start.ts';

const ORPHANS = 200;

/** Until init has no child but the workload, and so no zombie. */
async function onlyTheWorkloadIsLeft(init: RunningInit): Promise<void> {
  await until(() => childrenOf(init.pid).length === 1, 'every orphan is reaped');
}

export const reaping: readonly Scene[] = [
  inBothModes(
    'init says who reaps',
    async (mode) => {
      const init = await start({ mode, options: ['-v'], command: ['sleep', '1000'] });
      const says = await until(() => whoReaps(init.stderr()), 'init says who reaps');
      return { says, ignoresChildren: ignoresChildren(init.pid) };
    },
    ({ reaper }) => ({
      says: reaper === 'kernel' ? 'the kernel reaps orphans' : 'init reaps orphans',
      ignoresChildren: reaper === 'kernel',
    }),
  ),

  inBothModes(
    `${ORPHANS} orphans one after another and ${ORPHANS} at one instant leave no zombie`,
    async (mode) => {
      // Both go on until they are killed.
      const script = `${actor} orphans ${ORPHANS} & ${actor} burst ${ORPHANS} & wait`;
      const init = await start({ mode, command: ['sh', '-c', script] });
      const lines = [await init.nextLine(), await init.nextLine()];
      await onlyTheWorkloadIsLeft(init);
      return { lines, zombies: zombiesOf(init.pid).length };
    },
    () => ({ lines: ['done', 'done'], zombies: 0 }),
  ),

  inBothModes(
    `${ORPHANS} orphans end while init is stopped`,
    async (mode) => {
      const init = await start({
        mode,
        options: ['-v'],
        command: ['sh', '-c', `read -r _; exec ${actor} orphans ${ORPHANS}`],
      });
      await until(() => whoReaps(init.stderr()), 'init says who reaps');
      init.kill('SIGSTOP');
      await until(() => processStat(init.pid)?.state === 'T', 'init is stopped');
      init.stdin.write('\n');
      await init.nextLine();
      const isStill = () =>
        childrenOf(init.pid).every(({ state, name }) => state === 'Z' || name === 'actor');
      await until(isStill, 'every orphan has ended');
      const whileStopped = zombiesOf(init.pid).length;
      init.kill('SIGCONT');
      await onlyTheWorkloadIsLeft(init);
      return { whileStopped, after: zombiesOf(init.pid).length };
    },
    ({ reaper }) => ({ whileStopped: reaper === 'kernel' ? 0 : ORPHANS, after: 0 }),
  ),

  inBothModes(
    'a daemon is adopted, and reaped when it ends',
    async (mode) => {
      const init = await start({ mode, command: [actor, 'daemon'] });
      await init.nextLine();
      const own = processStat(init.pid)?.session;
      const daemon = await until(
        () => childrenOf(init.pid).find(({ session, pid }) => session !== pid && session !== own),
        'init adopts the daemon',
      );
      process.kill(daemon.pid, 'SIGKILL');
      await onlyTheWorkloadIsLeft(init);
      return { daemon: processStat(daemon.pid) ?? 'gone' };
    },
    () => ({ daemon: 'gone' }),
  ),
];
