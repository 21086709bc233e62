import { writeSync } from 'node:fs';
import { createLog } from '../log/log.ts';
import { koffi } from '../native/addon.ts';
import { attempt } from '../native/attempt.ts';
import { fromBytes } from '../native/byte-strings.ts';
import { sleep } from '../native/timers.ts';
import type { Signal } from '../native/types.ts';
import { exitNow, onStarterEnd, terminateTreeWithThisProcess } from '../native/windows.ts';
import { programIn, quoted } from '../process-tree/printable-name.ts';
import { exitStatus } from '../reaper/wait-status.ts';
import { forwardedSignals } from '../signals/catchable.ts';
import { signalName } from '../signals/signal-names.ts';
import { stopSignalNames } from '../signals/stop-signals.ts';
import type { Command } from '../start/command.ts';
import type { Inherited } from '../start/inherited.ts';
import { keepTree, OWNER_CHECK_MS } from './keep-tree.ts';
import type { InitOptions } from './options.ts';

const OWNER_HAS_ENDED = 'the owner has ended; start subreaper from a process that keeps running';
/** What everything below the workload has in its environment, to be found by. */
const TREE_VARIABLE = 'SUBREAPER_TREE';

const LONGEST_SIGNAL_MS = 1000;

/** The options that mean something here. */
const heeded: readonly (keyof InitOptions)[] = [
  'rewrite',
  'remapExit',
  'pause',
  'logLevel',
  'logFormat',
  'untilOwner',
  ...(process.platform === 'win32' ? [] : (['scope', 'graceMs'] as const)),
];

/**
 * Replaces init on other systems than Linux, a laptop with macOS say. The same command line runs the workload, in init's own
 * process group, and forwards signals to it. Nothing is reaped, restarted or timed. Where there is a ps(1), it ends what the
 * workload leaves.
 * @param given names the options of the command line, but for some
 */
export function runWithoutReaping(
  command: Command | undefined,
  options: InitOptions,
  { environment, parentPid, streams, argv0 }: Inherited,
  given: (without: readonly (keyof InitOptions)[]) => readonly string[],
): void {
  const isWindows = process.platform === 'win32';
  // Loaded only here: Linux does not need them, and child_process alone takes 2 ms.
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { constants } = process.getBuiltinModule('node:os');
  const log = createLog(options.logLevel, options.logFormat);
  const unheeded = given(heeded);
  if (unheeded.length > 0) {
    log('warn', `these options work on Linux only: ${unheeded.join(', ')}`);
  }
  const env = Object.fromEntries(
    environment.map((entry) => fromBytes(entry).split(/=(.*)/s) as [string, string]),
  );
  const isBound = isWindows && options.untilOwner;
  if (isBound) bindTree(parentPid);
  else if (options.untilOwner && process.ppid !== parentPid) throw new Error(OWNER_HAS_ENDED);
  const exit = isBound ? exitNow : process.exit;
  if (command === undefined) {
    // --pause: there is nothing to reap, so only wait for the stop signal.
    for (const signal of stopSignalNames) process.on(signal, () => process.exit(0));
    const isOwned = options.untilOwner && !isWindows;
    setInterval(
      () => isOwned && process.ppid !== parentPid && process.exit(0),
      isOwned ? OWNER_CHECK_MS : 2 ** 31 - 1,
    );
    return;
  }

  // The terminal sends SIGINT, SIGQUIT and SIGTSTP to the whole foreground group, which includes the workload. So init
  // does not forward them, and Ctrl-Z stops init as well.
  const isOnTerminal = process.getBuiltinModule('node:tty').isatty(0);
  for (const signal of forwardedSignals()) {
    const name = signalName(signal) as NodeJS.Signals;
    if (!(name in constants.signals) || (isOnTerminal && name === 'SIGTSTP')) continue;
    // On Windows every signal is the console's.
    const isFromTerminal = isWindows || (isOnTerminal && (name === 'SIGINT' || name === 'SIGQUIT'));
    process.on(name, () => isFromTerminal || forward(signal));
  }
  if (isWindows) process.on('SIGBREAK', () => {});

  const [program, ...args] = command.map(fromBytes) as [string, ...string[]];
  // A tree within a tree has the marks of both.
  const mark = `subreaper-${process.pid}-${Date.now()}`;
  if (!isWindows) env[TREE_VARIABLE] = [env[TREE_VARIABLE], mark].filter(Boolean).join();
  const channel = Number(env['NODE_CHANNEL_FD']);
  const passedOn = [...streams, ...(Number.isInteger(channel) && channel > 2 ? [channel] : [])];
  const stdio = Array.from({ length: Math.max(...passedOn) + 1 }, (_, descriptor) =>
    passedOn.includes(descriptor) ? descriptor : 'ignore',
  );
  // Before the spawn: it takes long, and the tree is not safe from a SIGKILL for its owner's group until it is loaded.
  if (options.untilOwner) attempt(koffi);
  const workload = spawn(program, args, { stdio, env, argv0: argv0 && fromBytes(argv0) });
  const tree =
    isWindows || workload.pid === undefined ? undefined : keepTree(workload, mark, parentPid, options, log);
  const forward = (signal: Signal) => {
    const sent = options.rewrite.get(signal) ?? signal;
    if (sent === 'drop') return;
    if (tree === undefined) workload.kill(sent);
    else tree.signal(sent);
  };
  workload.on('spawn', () => {
    log('debug', 'this platform has no subreaper: signals are forwarded, orphans are not reaped', {
      platform: process.platform,
    });
  });
  workload.on('error', (error: NodeJS.ErrnoException) => {
    // It runs. A signal for it was refused: EPERM.
    if (workload.pid !== undefined) return;
    const notFound = error.code === 'ENOENT';
    const why = notFound ? 'it was not found; install it or check its path' : `${error.code}; chmod +x it`;
    writeSync(2, `subreaper: ${quoted(programIn(program))} cannot be run, ${why}\n`);
    exit(notFound ? 127 : 126);
  });
  workload.on('exit', async (code, signal) => {
    await tree?.endRest();
    // An owner sees how the command has ended, as if there were no init.
    if (signal !== null && options.untilOwner && !isWindows) await endBy(signal);
    const own = exitStatus(
      signal === null
        ? { kind: 'exited', code: code ?? 0 }
        : { kind: 'killed', signal: constants.signals[signal] as Signal, coreDumped: false },
    );
    exit(options.remapExit.get(own) ?? own);
  });
}

/** Ends this process by a signal. Resolves if it does not, since it is ignored, say. */
async function endBy(signal: NodeJS.Signals): Promise<void> {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Another thread may take it.
  await sleep(LONGEST_SIGNAL_MS);
}

/** On Windows: to this process, and this process to its owner. @throws Error if that has ended */
function bindTree(owner: number): void {
  terminateTreeWithThisProcess();
  if (!onStarterEnd(owner, () => exitNow(125))) {
    throw new Error(OWNER_HAS_ENDED);
  }
}
