import { writeSync } from 'node:fs';
import type * as doctor from '../doctor/doctor.ts';
import { recordFailedStart } from '../init/failed-start.ts';
import { init } from '../init/init.ts';
import type * as withoutReaping from '../init/run-without-reaping.ts';
import { asFailure, Failure } from '../lifecycle/failure.ts';
import { attempt } from '../native/attempt.ts';
import { fromBytes, toBytes } from '../native/byte-strings.ts';
import { waitAndProbe } from '../native/kernel-reaping.ts';
import { neverReadAgain } from '../native/memory.ts';
import { requireModule } from '../native/require.ts';
import { ignoreSignal } from '../native/signals.ts';
import type { ByteString } from '../native/types.ts';
import { quoted } from '../process-tree/printable-name.ts';
import type { Command } from '../start/command.ts';
import { type Inherited, inheritedIgnoredSignals, readInherited } from '../start/inherited.ts';
import { signalsToIgnore } from '../start/start-workload.ts';
import { type Invocation, ownWords, parseCommandLine } from './command-line.ts';
import { helpText } from './help.ts';
import { nearest } from './nearest.ts';
import { defaultOptions, dialectCalled, given } from './options.ts';
import type * as prepareRoom from './prepare.ts';
import { calledBy, readDialect } from './read-dialect.ts';
import { version } from './version.ts';

/** Given by bin/subreaper. */
declare const loaded: prepareRoom.Loaded;

function main(): void {
  for (const bytes of [loaded.source, loaded.cache]) neverReadAgain(bytes);
  const isLinux = process.platform === 'linux';
  // node resets ignored signals (nohup's SIGHUP) when it starts. Ignore them again before anything else.
  const ignored = inheritedIgnoredSignals();
  // Without koffi init cannot start, and says so; --help can.
  if (ignored !== 0n) attempt(() => signalsToIgnore(ignored).forEach(ignoreSignal));
  const inherited = readInherited();
  const { args, optionsVariable, launcherChild } = inherited;
  // The launcher's child has closed its pipe. Wait for it now: the workload must not see its zombie. It also shows
  // whether the kernel can reap. Ignore a failure, so that --help works without koffi.
  if (launcherChild !== undefined) attempt(() => waitAndProbe(launcherChild));
  const dialect = dialectCalled(calledBy());
  const called = dialect === undefined ? args : [...['--dialect', dialect].map(toBytes), ...args];
  const invocation =
    withoutOptions(optionsVariable, called) ?? parseCommandLine(optionsVariable, called.map(fromBytes));
  switch (invocation.kind) {
    case 'help':
      writeSync(1, helpText());
      return;
    case 'version':
      writeSync(1, `subreaper ${version()}\n`);
      return;
    case 'doctor': {
      if (!isLinux) throw new Failure(125, 'doctor works on Linux only; run it in the container');
      const program = invocation.operands === 0 ? undefined : args.at(-invocation.operands);
      // A bundle of its own, since no other command line needs it.
      const { examine } = requireModule('./doctor.cjs') as typeof doctor;
      const { text, status } = examine(
        program && fromBytes(program),
        invocation.json,
        inherited.descriptors,
        loaded.isPrepared,
      );
      writeSync(1, text);
      process.exitCode = status;
      return;
    }
    case 'prepare':
      if (!isLinux) throw new Failure(125, 'prepare works on Linux only; run it in the image');
      rehearse(inherited);
      return;
    case 'dialect': {
      const reading = readDialect(invocation, called, inherited);
      if (reading === undefined) return;
      const { command, options, messages } = reading;
      if (isLinux) init(command, options, inherited, messages);
      else otherSystem().runWithoutReaping(command, options, inherited, () => []);
      return;
    }
    case 'run': {
      const { options, operands } = invocation;
      const command = operands === 0 ? undefined : (args.slice(-operands) as unknown as Command);
      try {
        if (isLinux) init(command, options, inherited);
        else otherSystem().runWithoutReaping(command, options, inherited, (heeded) => given(options, heeded));
      } catch (error) {
        throw args.length === 1 ? orMeantOwnWord(error as Error, fromBytes(args[0] as ByteString)) : error;
      }
    }
  }
}

/** Not in this bundle: Linux does not need it. */
function otherSystem(): typeof withoutReaping {
  return requireModule('./run-without-reaping.cjs') as typeof withoutReaping;
}

/** Most command lines have no options, and need no parser. */
function withoutOptions(optionsVariable: string, args: readonly ByteString[]): Invocation | undefined {
  const operands = args[0] === '--' ? args.length - 1 : args.length;
  if (optionsVariable !== '' || operands === 0) return undefined;
  if (operands === args.length && (args[0]?.startsWith('-') || ownWords.includes(String(args[0]))))
    return undefined;
  return { kind: 'run', options: defaultOptions, operands };
}

/** An argument that is no command may have been meant for one of subreaper's own words. */
function orMeantOwnWord(error: Error, argument: string): Error {
  const word = nearest(argument, ownWords);
  if (asFailure(error).status !== 127 || word === undefined) return error;
  const what = `${quoted(argument)} not found, no directory in PATH has it`;
  return new Failure(127, `${what}; did you mean subreaper ${word}?`);
}

/** Runs as init with a workload that stops at once, and then writes what V8 has compiled for that. */
function rehearse(inherited: Inherited): void {
  // Not in this bundle, for what it costs a start.
  const { prepare } = requireModule('./prepare.cjs') as typeof prepareRoom;
  const rehearsal = prepare(loaded, inherited);
  init(rehearsal.command, defaultOptions, rehearsal.inherited, rehearsal.messages);
}

try {
  main();
} catch (error) {
  const failure = asFailure(error as Error);
  try {
    writeSync(2, failure.line);
  } catch {
    // EPIPE, EAGAIN: nobody reads standard error. The exit status still reports the failure.
  }
  // Somebody may run another subreaper in the container, doctor say: the last words are those of PID 1. What the command
  // line says is not known, if it is wrong.
  if (process.pid === 1) attempt(() => recordFailedStart(defaultOptions, failure));
  process.exit(failure.status);
}
