import { statSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const usage = `Usage: npm run suite soak -- [options]
  --seconds N          start runs for that long (120)
  --parallel N         so many at once (2)
  --busy N             with so many busy loops beside them (0)
  --only NAME,...      these scenarios alone
  --life N             seconds that an init of the scenario week lives, on an idle machine (3)
  --seed N             choose as the run with this seed did (by the clock)
  --run N              only the run with this number of that seed, of the same scenarios
  --deadline N         seconds that a run may take (60)
  --node PATH          run init with this node: the program, or its folder
  --pid-max            give each PID namespace 4194304 pids, not 8192 (Linux 6.14 and later)
  --machine-pid-max    raise kernel.pid_max of the whole machine to that meanwhile`;

/** @throws Error with one line, for wrong usage */
export function parseOptions(args, scenarioNames) {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '120' },
      parallel: { type: 'string', default: '2' },
      busy: { type: 'string', default: '0' },
      only: { type: 'string' },
      seed: { type: 'string', default: `${Date.now() % 2 ** 32}` },
      life: { type: 'string', default: '3' },
      run: { type: 'string' },
      deadline: { type: 'string', default: '60' },
      node: { type: 'string' },
      'pid-max': { type: 'boolean', default: false },
      'machine-pid-max': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return { help: `${usage}\nScenarios: ${scenarioNames.join(', ')}` };
  const only = values.only?.split(',') ?? scenarioNames;
  const unknown = only.filter((name) => !scenarioNames.includes(name));
  if (unknown.length > 0) {
    throw new Error(`no scenario is called ${unknown.join(', ')}; there are ${scenarioNames.join(', ')}`);
  }
  return {
    seconds: number('seconds', values.seconds, 1),
    parallel: number('parallel', values.parallel, 1),
    busy: number('busy', values.busy, 0),
    only,
    lifeS: number('life', values.life, 1),
    seed: number('seed', values.seed, 0),
    run: values.run === undefined ? undefined : number('run', values.run, 0),
    deadlineMs: number('deadline', values.deadline, 1) * 1000,
    path: values.node === undefined ? process.env.PATH : pathWith(values.node),
    pidMax: values['pid-max'],
    machinePidMax: values['machine-pid-max'],
  };
}

function number(name, text, least) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least)
    throw new Error(`--${name} takes a number from ${least} up, not ${text}`);
  return value;
}

function pathWith(node) {
  const folder = statSync(node).isDirectory() ? node : dirname(node);
  return [resolve(folder), process.env.PATH].join(delimiter);
}
