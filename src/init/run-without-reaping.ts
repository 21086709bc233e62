import { writeSync } from 'node:fs';
import { createLog } from '../log/log.ts';
import type { Signal } from '../native/types.ts';
import { exitStatus } from '../reaper/wait-status.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { type RealTimeRange, signalName } from '../signals/signal-names.ts';
import { stopSignalNames } from '../signals/stop-signals.ts';
import { fromBytes } from './byte-strings.ts';
import type { Command } from './command.ts';
import { quoted } from './failure.ts';
import type { Inherited } from './inherited.ts';
import type { InitOptions } from './options.ts';

/** The options that mean something here. */
export const heeded: readonly (keyof InitOptions)[] = [
  'rewrite',
  'remapExit',
  'pause',
  'logLevel',
  'logFormat',
];

/**
 * Replaces init on other systems than Linux, a laptop with macOS say, and needs no native code. The same command line
 * runs the workload, in init's own process group, and forwards signals to it. Nothing is reaped, restarted or timed.
 * @param unheeded the options of the command line that do nothing here
 */
export function runWithoutReaping(
  command: Command | undefined,
  options: InitOptions,
  { environment }: Inherited,
  realTime: RealTimeRange,
  unheeded: readonly string[],
): void {
  // Loaded only here: Linux does not need them, and child_process alone takes 2 ms.
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { constants } = process.getBuiltinModule('node:os');
  const log = createLog(options.logLevel, options.logFormat);
  if (unheeded.length > 0) {
    log('warn', `only on Linux can init do what these options ask for: ${unheeded.join(', ')}`);
  }
  const env = Object.fromEntries(
    environment.map((entry) => fromBytes(entry).split(/=(.*)/s) as [string, string]),
  );
  if (command === undefined) {
    // --pause: there is nothing to reap, so only wait for the stop signal.
    for (const signal of stopSignalNames) process.on(signal, () => process.exit(0));
    setInterval(() => {}, 2 ** 31 - 1);
    return;
  }

  const held: Signal[] = [];
  let deliver = (signal: Signal): void => void held.push(signal);
  // The terminal sends SIGINT, SIGQUIT and SIGTSTP to the whole foreground group, which includes the workload. So init
  // does not forward them, and Ctrl-Z stops init as well.
  const isOnTerminal = process.getBuiltinModule('node:tty').isatty(0);
  for (const signal of forwardedSignals(realTime)) {
    const name = signalName(signal, realTime) as NodeJS.Signals;
    if (!(name in constants.signals) || (isOnTerminal && name === 'SIGTSTP')) continue;
    const isFromTerminal = isOnTerminal && (name === 'SIGINT' || name === 'SIGQUIT');
    process.on(name, () => isFromTerminal || deliver(signal));
  }

  const [program, ...args] = command.map(fromBytes) as [string, ...string[]];
  const workload = spawn(program, args, { stdio: 'inherit', env });
  workload.on('spawn', () => {
    log('debug', 'this platform has no subreaper: signals are forwarded, orphans are not reaped', {
      platform: process.platform,
    });
    deliver = (signal) => {
      const sent = options.rewrite.get(signal) ?? signal;
      if (sent !== 'drop') workload.kill(sent);
    };
    for (const signal of held) deliver(signal);
  });
  workload.on('error', (error: NodeJS.ErrnoException) => {
    const notFound = error.code === 'ENOENT';
    const why = notFound
      ? 'it is in no directory of PATH; install it or give its path'
      : `${error.code}; chmod +x it`;
    writeSync(2, `subreaper: ${quoted(program)} cannot be run, ${why}\n`);
    process.exit(notFound ? 127 : 126);
  });
  workload.on('exit', (code, signal) => {
    const own = exitStatus(
      signal === null
        ? { kind: 'exited', code: code ?? 0 }
        : { kind: 'killed', signal: constants.signals[signal] as Signal, coreDumped: false },
    );
    process.exit(options.remapExit.get(own) ?? own);
  });
}
