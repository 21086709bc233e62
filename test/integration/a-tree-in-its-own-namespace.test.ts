import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyPackage } from '../helpers/copied-package.ts';
import { describeWith } from '../helpers/modes.ts';
import { childrenOf, descendantsOf, type ProcessStat, runningWith, until } from '../helpers/proc.ts';
import { startProcess } from '../helpers/run-init.ts';

const page = resolve(import.meta.dirname, '../../docs/owners.md');

/** The command line that docs/owners.md shows, for another command. Nobody may not read a clone in the folder of root. */
function isolated(command: string): string {
  const launcher = join(copyPackage().folder, 'subreaper/bin/subreaper');
  const shown = /^```sh\n(.*setpriv(?:.|\n)*?)^```/m.exec(readFileSync(page, 'utf8'))?.[1] as string;
  return shown.replaceAll('node_modules/.bin/subreaper', launcher).replace('node server.js', () => command);
}

const NOBODY = 65_534;
const users: readonly (readonly [string, readonly string[]])[] = [
  ['root', []],
  ['nobody', ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']],
];

/** Starts an owner with such a tree. Two of its processes have left their parents and their session. */
async function startOwner(user: readonly string[], workload: string) {
  const mark = randomUUID();
  const daemons = '(setsid sh -c "sleep 1000 & exec sleep 1000" &); setsid sleep 1000 &';
  const tree = isolated(`sh -c '${daemons} ${workload}'`);
  const owner = startProcess([...user, 'sh', '-c', `${tree.trim()} & echo "owns $!"; wait $!`], {
    env: { ...process.env, MARK: mark },
  });
  const outer = Number((await owner.nextLine()).slice('owns '.length));
  // kill(2) takes 0 for the process group of this runner.
  expect(outer).toBeGreaterThan(1);
  return { owner, outer, left: () => runningWith(mark) };
}

describeWith(['users', 'util-linux'], 'a tree in a PID namespace of its own', () => {
  describe.each(users)('of %s', (_, user) => {
    test.each(['the owner', 'the outer init', 'unshare', 'the inner init', 'owner and outer init'])(
      'SIGKILL for %s leaves nothing',
      async (victim) => {
        const { owner, outer, left } = await startOwner(user, 'echo started; exec sleep 1000');
        expect(await owner.nextLine()).toBe('started');
        // Below the outer init: unshare, the inner one, and four times sleep.
        await until(() => descendantsOf(outer).length === 6, 'the tree is complete');
        const unshare = childrenOf(outer).find(({ name }) => name === 'unshare') as ProcessStat;
        const [inner] = childrenOf(unshare.pid) as [ProcessStat];
        const victims = {
          'the owner': [owner.pid],
          'the outer init': [outer],
          unshare: [unshare.pid],
          'the inner init': [inner.pid],
          'owner and outer init': [owner.pid, outer],
        };
        // A process in the middle of an execve(2) shows no environment.
        await until(() => left().length === 8, 'all of them show their mark');
        for (const pid of victims[victim as keyof typeof victims]) process.kill(pid, 'SIGKILL');
        await until(() => left().every(({ pid }) => pid === owner.pid), 'nothing is left');
      },
    );

    test('SIGTERM stops it in order', async () => {
      const workload = 'trap "echo asked; exit 3" TERM; echo started; while :; do sleep 0.01; done';
      const { owner, outer, left } = await startOwner(user, workload);
      expect(await owner.nextLine()).toBe('started');
      process.kill(outer, 'SIGTERM');
      expect(await owner.nextLine()).toBe('asked');
      expect(await owner.exit).toEqual({ code: 3, signal: null });
      expect(left()).toEqual([]);
    });

    test('it sees no process outside', async () => {
      const { owner } = await startOwner(user, 'echo /proc/[0-9]*; exit 4');
      const seen = (await owner.nextLine()).split(' ').map((path) => Number(path.slice('/proc/'.length)));
      expect(seen).toContain(1);
      expect(seen.filter((pid) => pid > 100)).toEqual([]);
      expect(await owner.exit).toEqual({ code: 4, signal: null });
    });
  });
});
