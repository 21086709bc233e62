import { defaultOptions } from '../../src/cli/options.ts';
import type { Policy } from '../../src/lifecycle/model.ts';
import { SIGHUP, SIGINT, SIGTERM, SIGUSR1 } from './lifecycle-world.ts';

export const defaults: Policy = {
  options: defaultOptions,
  isPid1: false,
  terminal: 'none',
  ignored: [],
  handOffSignals: [],
  keepsStatuses: false,
  slowMs: [2000, 5000, 10_000, 30_000],
};

export const withOptions = (options: Partial<Policy['options']>, rest: Partial<Policy> = {}): Policy => ({
  ...defaults,
  ...rest,
  options: { ...defaults.options, ...options },
});

const always = { kind: 'always' } as const;
const restarts = [{ kind: 'no' }, always, { kind: 'on-failure', limit: 2 }] as const;
const untils = ['main', 'all'] as const;

/** Every combination of options and circumstances that matters. The smallest come first. */
export function* policies(): Generator<Policy> {
  for (const policy of [...withOneMore(), ...crossed()])
    for (const isPid1 of [false, true]) yield { ...policy, isPid1 };
}

function* crossed(): Generator<Policy> {
  for (const until of untils)
    for (const restart of restarts) {
      for (const graceMs of [0, 2000])
        for (const stopDelayMs of [0, 500])
          for (const stopTimeoutMs of [undefined, 3000])
            yield withOptions({ until, restart, graceMs, stopDelayMs, stopTimeoutMs }, { slowMs: [2000] });
      // What is slow, and how long the grace time is, has nothing to do with the terminal.
      const onTerminal = { terminal: 'shared', slowMs: [] } as const;
      yield withOptions({ until, restart }, onTerminal);
      yield withOptions({ until, restart, stopDelayMs: 500, stopTimeoutMs: 3000 }, onTerminal);
    }
}

/** What matters beside a few of the others. */
function* withOneMore(): Generator<Policy> {
  const restart = always;
  yield withOptions({ pause: true });
  yield withOptions({ pause: true, graceMs: 0 }, { ignored: [SIGINT, SIGHUP] });
  yield withOptions({ until: 'all', remapExit: new Map([[143, 0]]) });
  yield withOptions({ remapExit: new Map([[3, 0]]), restart: { kind: 'on-failure', limit: 1 } });
  yield withOptions({ until: 'all', stopDelayMs: 500, stopTimeoutMs: 3000 });
  yield withOptions({ restart, stopTimeoutMs: 3000 }, { slowMs: [] });
  yield withOptions({ restart, stopTimeoutMs: 1000 }, { ignored: [SIGINT, SIGHUP] });
  for (const rewrite of [
    [SIGHUP, SIGTERM],
    [SIGTERM, SIGUSR1],
    [SIGHUP, SIGUSR1],
  ] as const)
    yield withOptions({ restart, stopTimeoutMs: 1000, rewrite: new Map([rewrite]) });
  yield withOptions({ restart, until: 'all', rewrite: new Map([[SIGTERM, 'drop']]) });
  for (const until of untils) {
    yield withOptions({ until, restart, stopTimeoutMs: 3000 }, { keepsStatuses: true });
    yield withOptions({ until, restart }, { terminal: 'own', slowMs: [] });
  }
  // A dialect's.
  for (const survivors of ['signal', 'leave'] as const) {
    yield withOptions({ survivors });
    yield withOptions({ survivors, pause: true });
    yield withOptions({ survivors, until: 'all', stopTimeoutMs: 1000, restart });
  }
  yield withOptions({ suspendOn: [SIGUSR1, SIGHUP] });
  const bound = { untilOwner: true, untilStdinCloses: true };
  yield withOptions({ pause: true, ...bound });
  for (const until of untils)
    for (const stopTimeoutMs of [undefined, 1000, 6000]) {
      yield withOptions({ ...bound, until, stopTimeoutMs, restart, stopDelayMs: 500 });
      yield withOptions({ ...bound, until, stopTimeoutMs, graceMs: 0 }, { keepsStatuses: true });
    }
  yield withOptions({ ...bound, remapExit: new Map([[143, 0]]) }, { terminal: 'shared' });
  // Longer than the first times at which init says what it waits for.
  for (const stopTimeoutMs of [undefined, 6000])
    yield withOptions({ restart, until: 'all', stopDelayMs: 500, stopTimeoutMs, graceMs: 6000 });
}
