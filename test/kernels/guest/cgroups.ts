import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actor, launcher } from '../../helpers/environment.ts';
import { until } from '../../helpers/proc.ts';
import { inBothModes, type Scene } from './scene.ts';
import { run, start } from './start.ts';

const hierarchy = '/sys/fs/cgroup';

/** Writes to a file that must be there: without cgroup v2 a new file would be made, and nothing would be limited. */
function write(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'r+' });
}

/** Makes a cgroup (v2) with controllers for memory, processes and processors. @returns its folder */
function makeCgroup(name: string): string {
  write(join(hierarchy, 'cgroup.subtree_control'), '+memory +pids +cpu');
  const folder = join(hierarchy, name);
  mkdirSync(folder);
  return folder;
}

/** Takes 200 MiB. */
const hog = 'exec node -e "const all = []; while (all.length < 200) all.push(Buffer.alloc(1 << 20, 1))"';

/** A shell that enters the cgroup, then runs the script. */
const inside = (folder: string, script: string) => ['sh', '-c', `echo $$ >${folder}/cgroup.procs; ${script}`];

function field(folder: string, file: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(join(folder, file), 'utf8'))?.[1]);
}

export const cgroups: readonly Scene[] = [
  inBothModes(
    'the kernel kills a workload that takes more memory than its cgroup has',
    async (mode) => {
      const folder = makeCgroup(`memory-${mode}`);
      write(join(folder, 'memory.max'), '30M');
      const { code, signal } = await run({ mode, command: inside(folder, hog) });
      return { code, signal, killed: field(folder, 'memory.events', 'oom_kill') };
    },
    () => ({ code: 137, signal: null, killed: 1 }),
  ),

  inBothModes(
    'init says that the kernel killed its workload for memory',
    async (mode) => {
      const folder = makeCgroup(`told-${mode}`);
      write(join(folder, 'memory.max'), '96M');
      const launch = inside(folder, 'exec "$0" "$@"');
      const command = ['sh', '-c', `echo 1000 >/proc/self/oom_score_adj; ${hog}`];
      const { code, stderr } = await run({ mode, launch: [...launch, launcher], command });
      // How sure init is depends on whether a second had passed. memory.peak exists since Linux 5.19.
      const [, cause, count] =
        /, (?:probably|perhaps) (from the OOM killer: limit 96 MiB)[^"]* \((oom_kill \d+)\)/.exec(stderr) ??
        [];
      return { code, cause, count };
    },
    () => ({ code: 137, cause: 'from the OOM killer: limit 96 MiB', count: 'oom_kill 1' }),
  ),

  inBothModes(
    'no process is left in the cgroup of the workload',
    async (mode) => {
      const folder = makeCgroup(`all-${mode}`);
      const script = 'trap "" TERM; setsid sleep 1000 & sleep 1000 & echo started; read -r _; exit 5';
      const init = await start({ mode, options: ['--grace', '100ms'], command: inside(folder, script) });
      await init.nextLine();
      const before = await until(() => Number(readFileSync(join(folder, 'pids.current'), 'utf8')), 'it has');
      init.stdin.write('\n');
      return { before, ...(await init.exit), after: field(folder, 'cgroup.events', 'populated') };
    },
    () => ({ before: 3, code: 5, signal: null, after: 0 }),
  ),
];

/** Most of its time it waits. */
export const starved: readonly Scene[] = [
  // In one mode, and without a warning at the end, which takes init a minute of such a processor. test/faults has 1 % of a
  // real processor; an emulated one on a busy machine is ten times slower.
  {
    name: 'with 5 % of an emulated processor for init, every duty is done',
    places: ['pid1'],
    async see() {
      const folder = makeCgroup('cpu');
      write(join(folder, 'cpu.max'), '5000 100000');
      const command = ['sh', '-c', 'echo ready; read -r _; exec "$@"', 'sh', actor, 'duties', '600'];
      // The workload checks that this comes through.
      const env = { ...process.env, NODE_OPTIONS: '--no-warnings' };
      const options = ['--grace', '10ms', '--log-level', 'error'];
      const init = await start({ mode: 'pid1', options, command, spawn: { env } });
      await init.nextLine();
      // Its start would take minutes there.
      write(join(folder, 'cgroup.procs'), `${init.pid}`);
      init.stdin.write('\n');
      return { ...(await init.exit), wasLimited: field(folder, 'cpu.stat', 'nr_periods') > 0 };
    },
    expected: () => ({ code: 7, signal: null, wasLimited: true }),
  },
];
