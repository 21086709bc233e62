import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, type TestContext, test } from 'vitest';
import { until } from '../helpers/proc.ts';
import { slowness } from '../helpers/slowness.mjs';
import { type Balancer, startBalancer } from './balancer.ts';
import { describeEngine } from './containers.ts';
import {
  joinSwarm,
  type Service,
  type ServiceOptions,
  type Swarm,
  startService,
  type Task,
  untilAnswered,
} from './swarm.ts';

/** The time after a stop signal in which an informed balancer may still choose the replica. */
const newsMs = 200;
/** The news is as late as the machine is slow. */
const stopDelayMs = Math.round(1000 * slowness());
/** Longer than any of the apps needs. */
const stopGraceSeconds = 120;

interface Update {
  readonly tookMs: number;
  readonly old: readonly Task[];
  readonly exitCodes: readonly (number | undefined)[];
  /** The old and the new task of each port. */
  readonly tasks: readonly string[];
  /** A balancer that is told, a little late, of each stop and of each replica that answers. */
  readonly told: Outcome;
  /** A balancer that only sees refused connections. */
  readonly untold: Outcome;
}

interface Outcome {
  readonly answeredDuringUpdate: number;
  readonly answeredBy: readonly string[];
  readonly refusals: number;
  readonly failures: readonly string[];
}

async function updateUnderLoad(options: ServiceOptions): Promise<Update> {
  const service = await startService(options);
  const told = startBalancer(service.ports);
  const untold = startBalancer(service.ports);
  const stop = async () => void (await Promise.all([told.stop(), untold.stop()]));
  onTestFinished(stop);
  tell(told, service);

  await untilAllAnswer([told, untold], service);
  const before = { told: answered(told), untold: answered(untold) };
  const tookMs = await service.update();
  const during = { told: answered(told) - before.told, untold: answered(untold) - before.untold };
  await untilAllAnswer([told, untold], service);
  await stop();

  const tasks = await service.tasks();
  const old = tasks.filter(({ isOld }) => isOld);
  const outcome = ({ answers, failures, refusals }: Balancer, answeredDuringUpdate: number) => ({
    answeredDuringUpdate,
    answeredBy: [...answers.keys()].sort(),
    refusals: refusals(),
    failures,
  });
  return {
    tookMs,
    old,
    exitCodes: old.map(({ exitCode }) => exitCode),
    tasks: tasks.map(({ id }) => id).sort(),
    told: outcome(told, during.told),
    untold: outcome(untold, during.untold),
  };
}

function tell(balancer: Balancer, service: Service): void {
  const news = new Map<number, Promise<void>>();
  service.onReplica(({ port, action }) => {
    const earlier = news.get(port);
    const pass = async () => {
      await earlier;
      if (action === 'kill') {
        await wait(newsMs);
        balancer.leave(port);
      } else {
        await untilAnswered(port);
        balancer.join(port);
      }
    };
    // The balancer is not told of a replica that never answers. The test waits for its answer, up to a deadline.
    news.set(
      port,
      pass().catch(() => {}),
    );
  });
}

const answered = ({ answers }: Balancer) => [...answers.values()].reduce((sum, count) => sum + count, 0);

/** Waits until each balancer has had an answer from each task. */
async function untilAllAnswer(balancers: readonly Balancer[], service: Service): Promise<void> {
  const running = (await service.tasks()).filter(({ isOld }) => !isOld);
  expect(running.map(({ slot }) => slot).sort()).toEqual([1, 2, 3]);
  await until(
    () => balancers.every(({ answers }) => running.every(({ id }) => answers.has(id))),
    'every task answers',
  );
}

/** The figures of docs/orchestrators.md. */
function report({ annotate }: TestContext, { tookMs, exitCodes, told, untold }: Update): Promise<unknown> {
  const line = ({ answeredDuringUpdate, refusals, failures }: Outcome) =>
    [`${answeredDuringUpdate} answered, ${refusals} refused, ${failures.length} failed`, ...failures].join(
      '\n  ',
    );
  const seconds = (tookMs / 1000).toFixed(1);
  return annotate(
    `${seconds} s, old tasks ended with ${exitCodes}\ntold: ${line(told)}\nuntold: ${line(untold)}`,
  );
}

const graceful = ['--env', 'SHUTDOWN=graceful'];
const belowSubreaper = ['--env', `SUBREAPER_OPTIONS=--stop-delay ${stopDelayMs}ms`];
const bare = ['--entrypoint', 'node'];

describeEngine('a rolling update of three replicas in Swarm, under load', () => {
  let swarm: Swarm;
  beforeAll(async () => {
    swarm = await joinSwarm();
  });
  afterAll(async () => {
    if (swarm?.kind === 'joined') await swarm.leave();
  });
  beforeEach(({ skip }) => {
    if (swarm.kind === 'unusable') skip(swarm.reason);
  });

  test('below subreaper with --stop-delay no request fails, all end with 0', async (context) => {
    const update = await updateUnderLoad({
      options: [...graceful, ...belowSubreaper],
      command: ['node'],
      stopGraceSeconds,
    });
    await report(context, update);
    expectReplaced(update);
    expect(update.exitCodes).toEqual([0, 0, 0]);
    expect(update.told.failures).toEqual([]);
    // The balancer takes it out before the replica closes its port.
    expect(update.told.refusals).toBe(0);
    expect(update.told.answeredDuringUpdate).toBeGreaterThan(100);
  });

  test('the same with node as PID 1', async (context) => {
    const update = await updateUnderLoad({ options: [...graceful, ...bare], command: [], stopGraceSeconds });
    await report(context, update);
    expectReplaced(update);
    expect(update.exitCodes).toEqual([0, 0, 0]);
  });

  test('below subreaper an app without a handler ends by the signal', async (context) => {
    const update = await updateUnderLoad({ options: belowSubreaper, command: ['node'], stopGraceSeconds });
    await report(context, update);
    expectReplaced(update);
    expect(update.exitCodes).toEqual([143, 143, 143]);
  });

  test('the same with node as PID 1 is killed after the grace period', async (context) => {
    const graceSeconds = 4;
    const update = await updateUnderLoad({ options: bare, command: [], stopGraceSeconds: graceSeconds });
    await report(context, update);
    expectReplaced(update);
    expect(update.exitCodes).toEqual([137, 137, 137]);
    expect(update.tookMs).toBeGreaterThan(3 * graceSeconds * 1000);
  });
});

/** Each replica has an old and a new task, and all of them answered. */
function expectReplaced({ old, tasks, told, untold }: Update): void {
  expect(old.map(({ slot, state }) => `${slot} ${state}`).sort()).toEqual([
    '1 shutdown',
    '2 shutdown',
    '3 shutdown',
  ]);
  expect(tasks.length).toBe(6);
  expect(told.answeredBy).toEqual(tasks);
  expect(untold.answeredBy).toEqual(tasks);
}
