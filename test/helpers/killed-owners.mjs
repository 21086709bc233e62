// For the examples: an owner is SIGKILLed, and what it had started is counted. In JavaScript, because node 20 runs them
// without a build.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { descendantsOf, processStat, runningWith, signalIfThere, until } from './proc.mjs';

/** What still runs after this time has been left behind. */
const LEFT_AFTER_MS = 3000;
/** What takes longer than this fails the run. */
const DEADLINE_MS = 120_000;

/**
 * Starts an owner twice, and SIGKILLs it each time its tree runs. Prints what is left, and ends that.
 * @param {{ name: string, line: readonly string[], isBound: boolean }[]} owners  each prints one line once its tree runs
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ name: string, isBound: boolean, ran: number, left: number, said: string }[]>}  how many processes ran
 *   below it, and how many of those are left
 */
export async function killOwners(owners, env = process.env) {
  const results = [];
  for (const [index, { name, line, isBound }] of owners.entries()) {
    const marker = `killed-owner-${process.pid}-${index}`;
    console.log(`== ${index + 1}. ${name} ==\n$ ${line.join(' ')}`);
    const [file, ...args] = line;
    const stdio = ['ignore', 'pipe', 'inherit'];
    const owner = spawn(file, args, { stdio, env: { ...env, KILLED_OWNER: marker } });
    let seen = [];
    /** What has been seen below the owner, and what has started since. Chromium's helpers overwrite their environment. */
    const running = () => {
      const still = seen.filter(({ pid, startTime }) => {
        const now = processStat(pid);
        return now?.startTime === startTime && now.state !== 'Z';
      });
      const others = runningWith(marker).filter(({ pid }) => still.every((stat) => stat.pid !== pid));
      return [...still, ...others].filter(({ pid }) => pid !== owner.pid);
    };
    const endAll = () => {
      for (const { pid } of running()) signalIfThere(pid, 'SIGKILL');
      owner.kill('SIGKILL');
    };
    process.once('exit', endAll);
    try {
      const lines = createInterface({ input: owner.stdout });
      const [said] = await once(lines, 'line', { signal: AbortSignal.timeout(DEADLINE_MS) });
      console.log(said);
      seen = descendantsOf(owner.pid);
      const ran = running();
      console.log(`below it: ${named(ran)}`);
      owner.kill('SIGKILL');
      const killed = performance.now();
      const deadlineMs = isBound ? DEADLINE_MS : LEFT_AFTER_MS;
      const isGone = await until(() => running().length === 0, 'nothing is left', deadlineMs).catch(
        () => false,
      );
      const seconds = ((performance.now() - killed) / 1000).toFixed(1);
      const left = running();
      console.log(`SIGKILL; ${seconds} s later ${isGone ? 'nothing runs' : `still there: ${named(left)}`}\n`);
      results.push({ name, isBound, ran: ran.length, left: left.length, said });
    } finally {
      process.off('exit', endAll);
      endAll();
    }
  }
  return results;
}

/**
 * Prints the result, and sets the exit status: 0 if what was not bound was left, and what was bound was not.
 * @param {Awaited<ReturnType<typeof killOwners>>} results
 */
export function conclude(results) {
  const isRight = results.every(({ isBound, left }) => isBound === (left === 0));
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(results.map(({ name, left }) => ({ name, isLeft: left > 0 }))));
  }
  process.exitCode = isRight ? 0 : 1;
}

function named(processes) {
  const counts = new Map();
  for (const { name } of processes) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`)).join(', ');
}
