import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { actor } from '../../helpers/environment.ts';
import { childrenOf, until, zombiesOf } from '../../helpers/proc.ts';
import { ignoresChildren, whoReaps } from './reaper.ts';
import { asPid1OfTheMachine, type Scene } from './scene.ts';

const ORPHANS = 200;

/** The scenes of the subreaper that is PID 1 of the machine. This program is its workload. */
export const machine: readonly Scene[] = [
  asPid1OfTheMachine(
    'init says who reaps',
    async () => {
      const says = await until(() => whoReaps(readFileSync('/run/init.log', 'utf8')), 'init says who reaps');
      return { says, ignoresChildren: ignoresChildren(1) };
    },
    ({ reaper }) => ({
      says: reaper === 'kernel' ? 'the kernel reaps orphans' : 'init reaps orphans',
      ignoresChildren: reaper === 'kernel',
    }),
  ),

  asPid1OfTheMachine(
    'a process lists its children',
    async () => existsSync('/proc/1/task/1/children'),
    () => true,
  ),

  asPid1OfTheMachine(
    `${ORPHANS} orphans leave no zombie`,
    async () => {
      const child = spawn(actor, ['orphans', `${ORPHANS}`], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await until(() => childrenOf(1).length === 1, 'every orphan is reaped');
      child.kill();
      await once(child, 'exit');
      return { zombies: zombiesOf(1).length };
    },
    () => ({ zombies: 0 }),
  ),

  asPid1OfTheMachine(
    'a signal reaches the workload',
    async () => {
      const arrived = once(process, 'SIGUSR2');
      process.kill(1, 'SIGUSR2');
      const [signal] = await arrived;
      return signal;
    },
    () => 'SIGUSR2',
  ),
];
