import { writeSync } from 'node:fs';
import type * as doctor from '../doctor/doctor.ts';
import { attempt } from '../init/attempt.ts';
import { fromBytes, toBytes } from '../init/byte-strings.ts';
import type { Command } from '../init/command.ts';
import { recordFailedStart } from '../init/failed-start.ts';
import { Failure, lineOf, statusOf } from '../init/failure.ts';
import { inheritedIgnoredSignals, readInherited } from '../init/inherited.ts';
import { init } from '../init/init.ts';
import { heeded, runWithoutReaping } from '../init/run-without-reaping.ts';
import { signalsToIgnore } from '../init/start-workload.ts';
import { waitAndProbe } from '../native/kernel-reaping.ts';
import { requireModule } from '../native/require.ts';
import { ignoreSignal, realTimeSignals } from '../native/signals.ts';
import { refuseOldNode } from '../native/supported-node.ts';
import type { ByteString } from '../native/types.ts';
import { noRealTime } from '../signals/signal-names.ts';
import { type Invocation, parseCommandLine } from './command-line.ts';
import { dialectCalled } from './dialect-names.ts';
import { helpText } from './help.ts';
import { defaultOptions, given, optionMeantBy } from './options.ts';
import { calledBy, readDialect } from './read-dialect.ts';
import { version } from './version.ts';

function main(): void {
  refuseOldNode();
  const isLinux = process.platform === 'linux';
  // node resets ignored signals (nohup's SIGHUP) when it starts. Ignore them again before anything else.
  const ignored = inheritedIgnoredSignals();
  if (ignored !== 0n) attempt(() => signalsToIgnore(ignored).forEach(ignoreSignal));
  const inherited = readInherited();
  const { args, optionsVariable, launcherChild } = inherited;
  // The launcher's child has closed its pipe. Wait for it now: the workload must not see its zombie. It also shows
  // whether the kernel can reap. Ignore a failure, so that --help works without koffi.
  if (launcherChild !== undefined) attempt(() => waitAndProbe(launcherChild));
  const realTime = isLinux ? realTimeSignals() : noRealTime;
  const dialect = dialectCalled(calledBy());
  const called = dialect === undefined ? args : [...['--dialect', dialect].map(toBytes), ...args];
  const invocation =
    withoutOptions(optionsVariable, called) ??
    parseCommandLine(optionsVariable, called.map(fromBytes), realTime);
  if (invocation.kind === 'help') print(helpText());
  else if (invocation.kind === 'dialect') {
    const reading = readDialect(invocation, called, inherited, realTime);
    if (reading.kind === 'say') {
      writeSync(reading.descriptor, reading.text);
      process.exitCode = reading.status;
    } else {
      const { command, options, messages } = reading;
      if (isLinux) init(command, options, inherited, realTime, messages);
      else runWithoutReaping(command, options, inherited, realTime, []);
    }
  } else if (invocation.kind === 'doctor') {
    if (!isLinux) throw new Failure(125, '--doctor works on Linux only; run it in the container');
    const program = invocation.operands === 0 ? undefined : args.at(-invocation.operands);
    diagnose(invocation.json, program, inherited.descriptors);
  } else if (invocation.kind === 'version') print(`subreaper ${version()}\n`);
  else {
    const { operands } = invocation;
    const command = operands === 0 ? undefined : (args.slice(-operands) as unknown as Command);
    const { options } = invocation;
    if (isLinux) init(command, options, inherited, realTime);
    else runWithoutReaping(command, options, inherited, realTime, given(options, heeded));
  }
}

/** Most command lines have no options, and need no parser. */
function withoutOptions(optionsVariable: string, args: readonly ByteString[]): Invocation | undefined {
  const operands = args[0] === '--' ? args.length - 1 : args.length;
  if (optionsVariable !== '' || operands === 0) return undefined;
  if (operands === args.length && (args[0]?.startsWith('-') || optionMeantBy(args[0]) !== undefined))
    return undefined;
  return { kind: 'run', options: defaultOptions, operands };
}

function diagnose(
  json: boolean,
  program: ByteString | undefined,
  descriptors: readonly number[] | undefined,
): void {
  // A bundle of its own, since no other command line needs it.
  const { examine } = requireModule('./doctor.cjs') as typeof doctor;
  const { text, status } = examine(program && fromBytes(program), json, descriptors);
  print(text);
  process.exitCode = status;
}

function print(text: string): void {
  writeSync(1, text);
}

try {
  main();
} catch (error) {
  try {
    writeSync(2, lineOf(error as Error));
  } catch {
    // EPIPE, EAGAIN: nobody reads standard error. The exit status still reports the failure.
  }
  // Somebody may run another subreaper in the container, --doctor say: the last words are those of PID 1. What the command
  // line says is not known, if it is wrong.
  if (process.pid === 1) attempt(() => recordFailedStart(defaultOptions, error as Error));
  process.exit(statusOf(error as Error));
}
