import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { options as table } from '../../src/cli/options.ts';
import { durationOf } from '../../src/cli/values.ts';
import { Failure } from '../../src/lifecycle/failure.ts';
import { fromBytes, toBytes, variable } from '../../src/native/byte-strings.ts';
import type { ByteString, Pid, Signal } from '../../src/native/types.ts';
import { quoted } from '../../src/process-tree/printable-name.ts';
import { parsePids, parseStat } from '../../src/process-tree/process-table.ts';
import { decodeWaitStatus, exitStatus } from '../../src/reaper/wait-status.ts';
import { parseSignal, type RealTimeRange, signalName, signalNames } from '../../src/signals/signal-names.ts';
import { parseInherited } from '../../src/start/inherited.ts';
import { withoutPnpmsFolders } from '../../src/start/pnpm-shim.ts';
import { propertyRuns } from '../helpers/property-runs.ts';

const check = propertyRuns;
const limit = { timeout: 3_600_000 };

function parseDuration(text: string): number | undefined {
  try {
    return durationOf(text, '--grace');
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const realTime = { first: 34, last: 64 } as RealTimeRange;

/** Whatever a byte may be. */
const bytes = fc
  .uint8Array({ maxLength: 40 })
  .map((array) => Buffer.from(array).toString('latin1') as ByteString);
/** No NUL: an argument and an entry of the environment end there. */
const argument = bytes.map((text) => text.replaceAll('\0', '') as ByteString);

describe('whatever the command line', () => {
  const names = table.flatMap(({ long, short }) => [long, short]).filter((name) => name !== undefined);
  const pieces = [
    '--',
    '-',
    '',
    '0',
    '1',
    '-1',
    '10s',
    '1e9',
    'TERM',
    'TERM:0',
    '143:0',
    'always',
    'on-failure:3',
  ];
  const word = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...names, ...pieces),
    fc.tuple(fc.constantFrom(...names), fc.constantFrom('', '='), fc.string()).map((parts) => parts.join('')),
  );

  /** What it asks for, or the line that says why not. */
  function parse(variable: string, args: readonly string[]) {
    try {
      return parseCommandLine(variable, args);
    } catch (error) {
      // Anything else is a crash.
      if (!(error instanceof Failure)) throw error;
      return error;
    }
  }

  test('it is understood, or refused with 125 and one line', limit, () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.string(), (args, variable) => {
        const result = parse(variable, args);
        if (!(result instanceof Failure)) return;
        expect(result.status).toBe(125);
        expect(result.message).toMatch(/^[^\n\r]+, [^\n\r]+; [^\n\r]+$/);
      }),
      check,
    );
  });

  test('nothing is started that is not at its end: no option or value becomes the command', limit, () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (args) => {
        const result = parse('', args);
        if (result instanceof Failure || result.kind !== 'run') return;
        expect(result.operands).toBeLessThanOrEqual(args.length);
        if (result.operands === 0) {
          expect(result.options.pause).toBe(true);
          return;
        }
        const before = args[args.length - result.operands - 1];
        const command = args[args.length - result.operands] as string;
        // Without a "--" in front of it an operand is no option.
        if (before !== '--') expect(command.startsWith('-') && command !== '-').toBe(false);
      }),
      check,
    );
  });

  test('what is behind "--" changes nothing about the options', limit, () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 5 }),
        fc.array(word, { minLength: 1, maxLength: 5 }),
        (args, command) => {
          const options = args.filter((arg) => arg !== '--');
          const one = parse('', [...options, '--', 'x']);
          const other = parse('', [...options, '--', ...command]);
          if (one instanceof Failure || one.kind !== 'run' || one.operands !== 1) return;
          expect(other).toEqual({ ...one, operands: command.length });
        },
      ),
      check,
    );
  });

  test('a quoted text is one line without control characters', limit, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(quoted(text)).not.toMatch(/\p{Cc}/u);
      }),
      check,
    );
  });
});

describe('whatever the duration', () => {
  test('it is a whole number of milliseconds that a timer can wait, or refused', limit, () => {
    const unit = fc.constantFrom('', 'ms', 's', 'm', 'h', ' ');
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.double(), unit).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (duration) => {
        const ms = parseDuration(duration);
        if (ms === undefined) return;
        expect(Number.isInteger(ms) && ms >= 0 && ms < 2 ** 31).toBe(true);
        expect(duration).toMatch(/^\d/);
      }),
      check,
    );
  });

  test('milliseconds, seconds and minutes mean the same', limit, () => {
    fc.assert(
      fc.property(fc.nat({ max: 35_000 }), (minutes) => {
        expect(parseDuration(`${minutes}m`)).toBe(parseDuration(`${minutes * 60}`));
        expect(parseDuration(`${minutes}s`)).toBe(parseDuration(`${minutes * 1000}ms`));
      }),
      check,
    );
  });
});

describe('whatever the signal', () => {
  test('a text is a signal of this system, or none', limit, () => {
    const name = fc.tuple(
      fc.constantFrom('', 'SIG', 'sig', 'SIGSIG'),
      fc.constantFrom(...signalNames(), 'RTMIN', 'RTMAX', 'rtmin'),
      fc.oneof(
        fc.constant(''),
        fc.integer({ min: -99, max: 99 }).map((offset) => `${offset < 0 ? '' : '+'}${offset}`),
      ),
    );
    const text = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      name.map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (signal) => {
        const number = parseSignal(signal, realTime);
        if (number === undefined) return;
        expect(Number.isInteger(number) && number >= 1 && number <= realTime.last).toBe(true);
      }),
      check,
    );
  });

  test('its name means the same number', limit, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (number) => {
        // The C library has 32 and 33: they have no name.
        if (number === 32 || number === 33) return;
        expect(parseSignal(signalName(number as Signal, realTime), realTime)).toBe(number);
      }),
      check,
    );
  });
});

describe('whatever the wait status', () => {
  test('it is an exit, a signal or a stop, and an end has a status that init can end with', limit, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (status) => {
        const decoded = decodeWaitStatus(status);
        if (decoded.kind === 'stopped') return;
        const own = exitStatus(decoded);
        expect(own >= 0 && own <= 255).toBe(true);
        // Nothing but an exit with 0 is a success.
        expect(own === 0).toBe((status & 0xff7f) === 0);
      }),
      check,
    );
  });

  test('an exit code comes through', limit, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (code) => {
        expect(decodeWaitStatus(code << 8)).toEqual({ kind: 'exited', code });
      }),
      check,
    );
  });
});

describe('whatever a process is called', () => {
  const name = fc.oneof(
    bytes,
    fc.string({ unit: fc.constantFrom('(', ')', ' ', '\n', 'R', '1', '\xff', '\x80'), maxLength: 15 }),
  );
  const number = fc.nat({ max: 4_194_304 });

  test('its state, parent, threads and start time are read', limit, () => {
    fc.assert(
      fc.property(
        name,
        fc.constantFrom(...'RSDTtZX'),
        number,
        number,
        number,
        number,
        (comm, state, pid, parent, threads, startTime) => {
          const fields = [state, parent, ...Array(15).fill(1), threads, 0, startTime, ...Array(30).fill(5)];
          const stat = `${pid} (${comm}) ${fields.join(' ')}\n`;
          expect(parseStat(pid, stat)).toEqual({ pid, name: comm, state, parent, threads, startTime });
        },
      ),
      check,
    );
  });

  test('a file that is cut short, or of other bytes, crashes nothing', limit, () => {
    fc.assert(
      fc.property(number, bytes, (pid, stat) => {
        expect(parseStat(pid, stat).pid).toBe(pid);
        expect(parsePids(stat)).toBeInstanceOf(Array);
      }),
      check,
    );
  });

  test('a list of children is read', limit, () => {
    fc.assert(
      fc.property(fc.array(number), (pids) => {
        expect(parsePids(pids.map((pid) => `${pid} `).join(''))).toEqual(pids);
      }),
      check,
    );
  });
});

describe('whatever the launcher saved', () => {
  /** @param launcher the value of SUBREAPER_LAUNCHER */
  const inherited = (
    launcher: string | undefined,
    saved: string | undefined,
    environ: readonly ByteString[],
  ) =>
    parseInherited({
      variables: {},
      launcherVariables: launcher === undefined ? {} : { SUBREAPER_LAUNCHER: launcher },
      readEnviron: () => environ,
      readSaved: () => saved,
      args: [],
      pid: 42,
      parentPid: 7 as Pid,
    });
  const entry = argument.map((text) => `N${text}` as ByteString);
  const mask = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  test('what it wrote of the environment comes back, byte for byte', limit, () => {
    fc.assert(
      fc.property(fc.array(entry), mask, mask, (entries, blocked, ignored) => {
        const launcher = `42 1 ${blocked.toString(16)} ${ignored.toString(16)} 1024 3 43 0 1 2`;
        const saved = `${entries.map((text) => `${text}\0`).join('')}42\n`;
        const { environment, blockedSignals, ignoredSignals } = inherited(launcher, saved, []);
        expect(environment).toEqual(entries);
        expect([blockedSignals, ignoredSignals]).toEqual([blocked, ignored]);
      }),
      check,
    );
  });

  test('a pipe that was cut short is not taken for the environment', limit, () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (entries, part) => {
          const saved = entries.map((text) => `${text}\0`).join('');
          const cut = saved.slice(0, Math.floor(part * saved.length));
          const own = ['OWN=1' as ByteString];
          expect(inherited('42 1 0 0 1024 3 43 0 1 2', cut, own).environment).toEqual(own);
        },
      ),
      check,
    );
  });

  test('other bytes crash nothing', limit, () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef -x\n') }),
        bytes,
        (launcher, saved) => {
          // The shell wrote these masks from /proc/self/status, as hexadecimal digits.
          const [pid = '', parent = '', , , ...rest] = launcher.split(' ');
          const { environment } = inherited([pid, parent, '0', '0', ...rest].join(' '), saved, []);
          expect(environment).toBeInstanceOf(Array);
        },
      ),
      check,
    );
  });

  test('bytes and text are converted without a loss', limit, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), argument, (text, other) => {
        expect(fromBytes(toBytes(text))).toBe(text);
        expect(variable([`A=${other}` as ByteString], 'A')).toBe(other);
      }),
      check,
    );
  });

  test('a NODE_PATH that pnpm did not write stays', limit, () => {
    fc.assert(
      fc.property(argument, (path) => {
        const environment = [`NODE_PATH=/own/${path}` as ByteString];
        expect(withoutPnpmsFolders(environment, '/app/node_modules/subreaper')).toEqual(environment);
      }),
      check,
    );
  });
});
