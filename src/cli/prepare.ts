import { writeSync } from 'node:fs';
import { attempt } from '../native/attempt.ts';
import { toBytes } from '../native/byte-strings.ts';
import type { Messages } from '../observe/observer.ts';
import { writeWhole } from '../observe/whole-file.ts';
import type { Command } from '../start/command.ts';
import type { Inherited } from '../start/inherited.ts';

/** What bin/subreaper says of the program that it has loaded. */
export interface Loaded {
  /** dist/cli.cjs */
  readonly source: Uint8Array;
  /** What is in `cacheFile`; empty if there is none. */
  readonly cache: Uint8Array;
  /** Where V8's code for it is, or would be. */
  readonly cacheFile: string;
  /** Whether it comes from there. */
  readonly isPrepared: boolean;
  /** @returns V8's code for all functions that have run in this process */
  readonly createCache: () => Uint8Array;
}

/**
 * A command that asks its init for a stop: a start, a stop and an end are what every container has. If that init is
 * SIGKILLed, it ends by itself.
 */
const rehearsed = [process.execPath, '-e', 'process.kill(process.ppid); setTimeout(() => {}, 60_000)'];
const SIGTERM_STATUS = 128 + 15;

/** What init runs, and what to call at its end, to write V8's code. */
export function prepare(
  loaded: Loaded,
  inherited: Inherited,
): { readonly command: Command; readonly inherited: Inherited; readonly messages: Messages } {
  // As it was loaded: the file may be another by the end, and init gives the memory of what it has read back.
  const source = Buffer.from(loaded.source);
  return {
    command: rehearsed.map(toBytes) as unknown as Command,
    // An app's options may need files that are not in the image yet.
    inherited: {
      ...inherited,
      environment: inherited.environment.filter((entry) => !entry.startsWith('NODE_OPTIONS=')),
    },
    messages: {
      startFailed: (_, error) => ({ status: 125, line: cannot(`${error.message}; try again`) }),
      observer: {
        name: 'prepare',
        observe(observation) {
          if (observation.kind === 'exit') process.exit(write(loaded, source, observation.status));
        },
      },
    },
  };
}

/** @returns the exit status */
function write({ cacheFile, createCache }: Loaded, source: Uint8Array, status: number): 0 | 125 {
  if (status !== SIGTERM_STATUS) {
    writeSync(2, cannot(`node has ended with status ${status} where it should have been stopped; see above`));
    return 125;
  }
  const code = createCache();
  // Read, and explained, by bin/subreaper.
  const content = Buffer.concat([code, code, source]);
  const failure = attempt(() => writeWhole(cacheFile, content, 0o644));
  if (failure !== undefined) {
    writeSync(2, cannot(`${failure.message}; let it write ${cacheFile}`));
    return 125;
  }
  const size = Math.ceil(content.length / 1024);
  // It is prepared, whoever reads that.
  attempt(() => void writeSync(1, `subreaper: prepared, ${cacheFile} (${size} KiB)\n`));
  return 0;
}

function cannot(why: string): string {
  return `subreaper: cannot prepare, ${why}\n`;
}
