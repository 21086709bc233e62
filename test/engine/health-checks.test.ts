import { expect, test } from 'vitest';
import { type ProcessStat, until } from '../helpers/proc.ts';
import {
  areZombies,
  type Container,
  describeEngine,
  launcher,
  startContainer,
  untilOnly,
} from './containers.ts';

/** A probe that hangs, with a child, a child in another session that ignores SIGTERM, and an orphan. */
const hangingProbe = `sleep 2000 & setsid sh -c 'trap \\"\\" TERM; sleep 2000; :' & (sleep 2000 &); wait`;

interface HealthOptions {
  readonly check: string;
  /** The engine's own limit for a probe. */
  readonly timeout: string;
}

/** The PID 1 reaps nothing, like an app without an init. */
function startChecked({ check, timeout }: HealthOptions): Promise<Container> {
  const health = ['--health-interval', '1s', '--health-retries', '1', '--health-timeout', timeout];
  return startContainer({
    options: [...health, '--health-cmd', check],
    entrypoint: 'sleep',
    command: ['1000'],
  });
}

/** Waits for the results of so many probes. @returns their exit codes */
async function probes(container: Container, count: number): Promise<number[]> {
  const codes = async () => {
    const log = JSON.parse(await container.inspect('{{json .State.Health.Log}}')) as
      | { ExitCode: number }[]
      | null;
    return log !== null && log.length >= count && log.map(({ ExitCode }) => ExitCode);
  };
  return until(codes, `${count} probes have ended`, undefined, 100);
}

describeEngine('a HEALTHCHECK that hangs, below a PID 1 that reaps nothing', () => {
  test('timeout(1) around subreaper: nothing is left of it, and no zombie', async () => {
    const check = `timeout 2 ${launcher} --grace 0 -- sh -c "${hangingProbe}"`;
    const container = await startChecked({ check, timeout: '30s' });
    expect((await probes(container, 3)).slice(0, 3)).toEqual([124, 124, 124]);
    expect(await container.inspect('{{.State.Health.Status}}')).toBe('unhealthy');
    // There is one second between two probes.
    await untilOnly(container, ['sleep']);
  });

  test('the engine’s own limit, which kills the shell before subreaper: nothing runs on', async () => {
    // The kernel signals the end of its parent. `exit` keeps the shell from becoming its last command.
    const check = `${launcher} --parent-death-signal TERM --grace 0 -- sh -c "${hangingProbe}"; exit $?`;
    const container = await startChecked({ check, timeout: '2s' });
    expect((await probes(container, 3)).slice(0, 3)).toEqual([-1, -1, -1]);
    // Only its own zombie is left, because PID 1 reaps nothing. It has reaped its whole tree.
    const isOwn = ({ name, state }: ProcessStat) => state === 'Z' && name === 'subreaper';
    await until(
      () => container.processes().filter((stat) => !isOwn(stat)).length === 1,
      'nothing but PID 1 and what was subreaper',
    );
  });

  test('a probe that succeeds, and leaves orphans, keeps the container healthy and clean', async () => {
    const check = `timeout 25 ${launcher} --grace 0 -- sh -c "(sleep 2000 &); (true &); exit 0"`;
    const container = await startChecked({ check, timeout: '30s' });
    expect((await probes(container, 3)).slice(0, 3)).toEqual([0, 0, 0]);
    expect(await container.inspect('{{.State.Health.Status}}')).toBe('healthy');
    await untilOnly(container, ['sleep']);
  });

  test('without subreaper the same probe leaves processes and zombies', async () => {
    const container = await startChecked({ check: `timeout 2 sh -c "${hangingProbe}"`, timeout: '30s' });
    await probes(container, 2);
    const left = await until(() => {
      const processes = container.processes();
      return processes.some(areZombies) && processes;
    }, 'a zombie is left');
    expect(left.length).toBeGreaterThan(3);
  });
});
