import type { Log } from '../log/log.ts';
import { requireModule } from '../native/require.ts';
import type { Signal } from '../native/types.ts';
import { lastUsage } from '../native/wait.ts';
import { attempt } from './attempt.ts';
import type { Messages } from './messages.ts';
import type { InitOptions } from './options.ts';
import type * as records from './records.ts';
import type { Records } from './records.ts';

const noRecords: Records = {
  needsStatuses: undefined,
  failure: undefined,
  follow() {},
  beforeReaping: undefined,
  workloadReaped() {},
  orphanReaped() {},
  survivorsKilled() {},
  write() {},
};

/** Opens what the options ask for. Most runs of init ask for nothing, and pay for nothing. */
export function openRecords(
  options: InitOptions,
  messages: Messages | undefined,
  log: Log,
  nameOf: (signal: Signal) => string,
): Records {
  const isAskedFor =
    options.report !== undefined ||
    options.trace !== undefined ||
    messages !== undefined ||
    log.passes('info');
  let opened = noRecords;
  if (!isAskedFor) return opened;
  // Without a descriptor to load it with, the workload starts all the same.
  const failure = attempt(() => {
    opened = load().createRecords(options, messages, log, nameOf, lastUsage);
  });
  return failure === undefined ? opened : { ...noRecords, failure };
}

/** A bundle of its own, dist/records.cjs, for those who do not ask for it. */
function load(): typeof records {
  return requireModule('./records.cjs') as typeof records;
}
