// A soak of the command line: floods of signals, stop signals at bad moments, hostile trees, restarts and storms of
// orphans, over and over, as PID 1 and as a plain subreaper, each run in a PID namespace. It passes if every run ends as
// it must. --help names the options. Needs cc, unshare(1), and root or user namespaces.

import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { compile } from '../helpers/compile.mjs';
import { MOST_PIDS, machinePidMax, namespaceObstacle, raiseMachinePidMax } from '../helpers/namespace.mjs';
import { startBusyLoops } from './busy.mjs';
import { hasOwnPidMax, modes } from './command-line.mjs';
import { parseOptions } from './options.mjs';
import { actor, actorSource } from './paths.mjs';
import { createRandom } from './random.mjs';
import { createProgress, createTally } from './report.mjs';
import { run } from './run.mjs';
import { scenarios } from './scenarios/index.mjs';

/** So many failures have one cause, such as a machine without free pids. */
const MOST_FAILURES = 50;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`soak: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  const options = parseOptions(process.argv.slice(2), Object.keys(scenarios));
  if (options.help !== undefined) {
    console.log(options.help);
    return 0;
  }
  if (!compile(actorSource, actor)) throw new Error('no C compiler (cc)');
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) throw new Error(`no PID namespace can be made: ${obstacle}`);
  if (options.machinePidMax) raiseMachinePidMax();

  const running = new Set();
  const endBusyLoops = startBusyLoops(options.busy, options.seconds + options.deadlineMs / 1000 + 60);
  const endAll = () => {
    endBusyLoops();
    for (const child of running) child.kill('SIGKILL');
  };
  process.once('exit', endAll);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));

  const tally = createTally();
  console.error(about(options));
  const { deadlineMs, path, pidMax: hasRoom } = options;
  await runAll(options, { running, hasRoom, deadlineMs, path }, tally);
  endAll();
  const { runs, failures } = tally.counts();
  console.log(`${tally.table()}\n\n${runs} runs, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

function about({ path, seconds, parallel, busy, seed, pidMax }) {
  const node = spawnSync('node', ['--version'], { encoding: 'utf8', env: { ...process.env, PATH: path } });
  const lines = [
    `init under node ${node.stdout?.trim()}, Linux ${release()}: ${seconds} s, ${parallel} runs at once, ${busy} busy loops, seed ${seed}`,
  ];
  if (pidMax && !hasOwnPidMax()) {
    lines.push('--pid-max does nothing before Linux 6.14: there is one kernel.pid_max (--machine-pid-max)');
  } else if (pidMax && machinePidMax() < MOST_PIDS) {
    lines.push(
      `kernel.pid_max of the machine, ${machinePidMax()}, limits its namespaces too (--machine-pid-max)`,
    );
  }
  return lines.join('\n');
}

/** Runs all scenarios in turn, in both modes, until the time is over, and lets the last runs end. */
async function runAll({ only, seconds, parallel, seed, run: onlyRun, lifeS }, settings, tally) {
  const turns = only.flatMap((scenario) => modes.map((mode) => ({ scenario, mode })));
  const startedAt = performance.now();
  const progress = createProgress(startedAt);
  async function runOne(number) {
    const { scenario, mode } = turns[number % turns.length];
    progress.show(tally.counts(), `${scenario} as ${mode}`);
    // Each run has its own seed, so that it does not depend on the runs beside it.
    const plan = scenarios[scenario](createRandom(seed + number), { lifeS });
    const result = await run({ mode, plan, settings });
    tally.add(scenario, mode, result);
    const isRight = result.wrong.length === 0;
    if (isRight && plan.note === undefined) return;
    progress.clear();
    if (isRight) console.error(`${scenario} as ${mode}: ${plan.note()}`);
    else console.error(`\nFAILED ${scenario}, run ${number} of seed ${seed}`);
    for (const line of result.story) console.error(`  ${line}`);
  }
  let started = 0;
  async function work() {
    while (performance.now() - startedAt < seconds * 1000 && tally.counts().failures < MOST_FAILURES)
      await runOne(started++);
  }
  if (onlyRun === undefined) await Promise.all(Array.from({ length: parallel }, work));
  else await runOne(onlyRun);
  progress.clear();
}
