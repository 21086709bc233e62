import type { InitOptions } from '../../init/options.ts';
import type { Effect, Event } from '../../lifecycle/model.ts';
import type { SystemError } from '../../native/system-error.ts';
import type { Signal } from '../../native/types.ts';
import type { Messages } from '../../observe/observer.ts';
import { noRealTime, parseSignal, signalNames, signalNumber } from '../../signals/signal-names.ts';
import { packageFile, version } from '../version.ts';
import { C_NUMBER, toInt } from './c-numbers.ts';
import type { Call, Dialect, Reading } from './dialect.ts';
import { getopt } from './getopt.ts';

/** The version that this follows. */
const VERSION = '0.19.0';

const levels = { FATAL: 0, WARN: 1, INFO: 2, DEBUG: 3, TRACE: 4 } as const;
type Level = keyof typeof levels;

export const tini: Dialect = {
  defaults: {
    scope: 'child',
    subreaper: false,
    survivors: 'leave',
    // It ignores these two, so that no terminal can stop it.
    rewrite: new Map((['SIGTTIN', 'SIGTTOU'] as const).map((name) => [signalNumber(name), 'drop'])),
    logLevel: 'error',
  },
  read,
};

function read(call: Call): Reading {
  const { args, before, libc, isPosixlyCorrect } = call;
  const { env } = process;
  const print = (text: string): Reading => ({ kind: 'say', descriptor: 1, text, status: 0 });
  const refuse = (text: string): Reading => ({ kind: 'say', descriptor: 2, text, status: 1 });
  if (args.length === 1 && args[0] === '--version') return print(`${versionLine()}\n`);

  // It calls getopt(3), which never takes options behind operands in musl.
  const permutes = libc === 'glibc' && !isPosixlyCorrect;
  const grammar = { libc, short: 'p:hvwgle:s', long: {}, permutes };
  const { options: found, error, operands } = getopt(args, grammar);
  let { scope, subreaper, remapExit, parentDeathSignal } = before;
  let verbosity = 1;
  let warnsOfZombies = false;
  for (const { letter, value } of found) {
    switch (letter) {
      case 'h':
        return print(usage(call));
      case 'l':
        return print(packageFile('LICENSE'));
      case 's':
        subreaper = true;
        break;
      case 'g':
        scope = 'group';
        break;
      case 'v':
        verbosity++;
        break;
      case 'w':
        warnsOfZombies = true;
        break;
      case 'p':
        parentDeathSignal = signalOf(value);
        if (parentDeathSignal === undefined)
          return refuse(line('FATAL', `Not a valid option for -p: ${value}`));
        break;
      case 'e': {
        const code = exitCodeOf(value);
        if (code === undefined) return refuse(line('FATAL', `Not a valid option for -e: ${value}`));
        remapExit = new Map([...remapExit, [code, 0]]);
      }
    }
  }
  if (error !== undefined) return refuse(`${call.name}: ${error}\n${usage(call)}`);
  if (operands.length === 0) return refuse(usage(call));

  // Its variables come after its options.
  if (env['TINI_SUBREAPER'] !== undefined) subreaper = true;
  if (env['TINI_KILL_PROCESS_GROUP'] !== undefined) scope = 'group';
  if (env['TINI_VERBOSITY'] !== undefined) verbosity = verbosityOf(env['TINI_VERBOSITY']);
  const options: InitOptions = { ...before, scope, subreaper, remapExit, parentDeathSignal };
  const messages = createMessages(call, { verbosity, warnsOfZombies, subreaper, remapExit });
  return { kind: 'run', options, operands, messages };
}

/** It knows neither what Linux alone has nor second names. */
const unknownNames: readonly string[] = ['SIGIO', 'SIGIOT', 'SIGPOLL', 'SIGPWR', 'SIGSTKFLT'];

/** Only whole names: "SIGTERM". */
function signalOf(value: string): Signal | undefined {
  const isName =
    value.startsWith('SIG') && signalNames().includes(value.slice(3)) && !unknownNames.includes(value);
  return isName ? parseSignal(value, noRealTime) : undefined;
}

/** As strtol(3) reads it: the empty string is 0. */
function exitCodeOf(value: string): number | undefined {
  const code = new RegExp(`^(?:${C_NUMBER})?$`).test(value) ? Number(value) : Number.NaN;
  return code >= 0 && code <= 255 ? code : undefined;
}

/** What follows the number does not matter, and a number below 0 is one above all levels. */
function verbosityOf(value: string): number {
  const [digits = '0'] = new RegExp(`^${C_NUMBER}`).exec(value) ?? [];
  const verbosity = toInt(digits);
  return verbosity < 0 ? levels.TRACE : verbosity;
}

function versionLine(): string {
  return `tini version ${VERSION} - subreaper ${version()}`;
}

function usage(call: Call): string {
  return `${call.name} (${versionLine()})
Usage: ${call.name} [OPTIONS] PROGRAM -- [ARGS] | --version

Execute a program under the supervision of a valid init process (${call.name})

Command line options:

  --version: Show version and exit.
  -h: Show this help message and exit.
  -s: Register as a process subreaper (requires Linux >= 3.4).
  -p SIGNAL: Trigger SIGNAL when parent dies, e.g. "-p SIGKILL".
  -v: Generate more verbose output. Repeat up to 3 times.
  -w: Print a warning when processes are getting reaped.
  -g: Send signals to the child's process group.
  -e EXIT_CODE: Remap EXIT_CODE (from 0 to 255) to 0.
  -l: Show license and exit.

Environment variables:

  TINI_SUBREAPER: Register as a process subreaper (requires Linux >= 3.4).
  TINI_VERBOSITY: Set the verbosity level (default: 1).
  TINI_KILL_PROCESS_GROUP: Send signals to the child's process group.

`;
}

function line(level: Level, text: string): string {
  return `[${level.padEnd(5)} tini (${process.pid})] ${text}\n`;
}

function createMessages(
  { write, describeErrno, describeSignal }: Call,
  settings: { verbosity: number; warnsOfZombies: boolean } & Pick<InitOptions, 'subreaper' | 'remapExit'>,
): Messages {
  const { verbosity, warnsOfZombies } = settings;
  function say(level: Level, text: string): void {
    if (levels[level] <= verbosity) write(levels[level] > levels.WARN ? 1 : 2, line(level, text));
  }

  const tellsOfOrphans = (warnsOfZombies && verbosity >= levels.WARN) || verbosity >= levels.DEBUG;

  function follow(event: Event, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'forward') say('DEBUG', `Passing signal: '${describeSignal(effect.sent)}'`);
    }
    if (event.kind === 'workload-started') {
      say('INFO', `Spawned child process '${event.program}' with pid '${event.workload}'`);
    } else if (event.kind === 'workload-ended') {
      const { how } = event;
      if (how.kind === 'exited') say('INFO', `Main child exited normally (with status '${how.code}')`);
      else say('INFO', `Main child exited with signal (with signal '${describeSignal(how.signal)}')`);
    }
    if (effects.some(({ kind }) => kind === 'exit')) {
      say('TRACE', event.kind === 'no-child-left' ? 'No child to wait' : 'No child to reap');
      say('TRACE', 'Exiting: child has exited');
    }
  }

  return {
    observer: {
      name: 'the messages',
      needsStatuses: tellsOfOrphans ? 'the messages report each orphan' : undefined,
      observe(observation) {
        if (observation.kind === 'step') follow(observation.event, observation.effects);
        if (observation.kind !== 'reaped') return;
        say('DEBUG', 'Received SIGCHLD');
        say('DEBUG', `Reaped child with pid: '${observation.pid}'`);
        if (warnsOfZombies && !observation.isWorkload)
          say('WARN', `Reaped zombie process with pid=${observation.pid}`);
      },
    },
    begin({ adoptsOrphans }) {
      if (settings.subreaper && adoptsOrphans) say('TRACE', 'Registered as child subreaper');
      if (adoptsOrphans) return;
      say(
        'WARN',
        `Tini is not running as PID 1 and isn't registered as a child subreaper.
Zombie processes will not be re-parented to Tini, so zombie reaping won't work.
To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child subreaper, or run Tini as PID 1.`,
      );
    },
    startFailed(program: string, { code, errno }: SystemError) {
      const status = code === 'ENOENT' ? 127 : code === 'EACCES' ? 126 : 1;
      // There it is a child that ends with this, and so -e applies.
      const remapped = settings.remapExit.get(status) ?? status;
      return { status: remapped, line: line('FATAL', `exec ${program} failed: ${describeErrno(errno)}`) };
    },
  };
}
