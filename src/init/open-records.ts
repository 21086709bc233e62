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
  { report, trace }: Pick<InitOptions, 'report' | 'trace'>,
  messages: Messages | undefined,
  log: Log,
  nameOf: (signal: Signal) => string,
): Records {
  let records = messages === undefined ? noRecords : recordsOf(messages);
  if (report === undefined && trace === undefined && !log.passes('info')) return records;
  // Without a descriptor to load it with, the workload starts all the same.
  const failure = attempt(() => {
    records = load().createRecords({ report, trace }, records, log, nameOf, lastUsage);
  });
  return failure === undefined ? records : { ...records, failure };
}

function recordsOf(messages: Messages): Records {
  return {
    ...noRecords,
    needsStatuses: messages.tellOfOrphans ? 'the messages tell of each orphan' : undefined,
    follow: messages.follow,
    orphanReaped: (pid, _, how) => messages.orphanReaped(pid, how),
  };
}

/** A bundle of its own, dist/records.cjs, for those who do not ask for it. */
function load(): typeof records {
  return requireModule('./records.cjs') as typeof records;
}
