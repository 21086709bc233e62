import type { InitOptions } from '../../init/options.ts';
import type { Effect, Event, EventOf } from '../../lifecycle/model.ts';
import type { Errno, Pid, Signal } from '../../native/types.ts';
import type { Beginning, Messages } from '../../observe/observer.ts';
import { SIGCHLD, SIGSTOP, SIGTERM } from '../../signals/numbers.ts';
import { signalNumber } from '../../signals/signal-names.ts';
import { C_NUMBER, toInt } from './c-numbers.ts';
import type { Call, Dialect, Reading } from './dialect.ts';
import { getopt } from './getopt.ts';

/** The version that this follows. Its own tests compare the line with this. */
const VERSION = '1.2.5';

const LAST_NAMED_SIGNAL = 31;
const EPERM = 1 as Errno;
/** A shell's job control sends these. */
const suspending = (['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const).map(signalNumber);

export const dumbInit: Dialect = {
  defaults: { subreaper: false, catchFaults: true, suspendOn: suspending, logLevel: 'error' },
  read,
};

function read(call: Call): Reading {
  const { args, before, libc } = call;
  const say = (text: string, status: number): Reading => ({ kind: 'say', descriptor: 2, text, status });
  const long = { help: 'h', 'single-child': 'c', rewrite: 'r', verbose: 'v', version: 'V' };
  // Its options end at the first operand.
  const grammar = { libc, short: 'hvVcr:', long, permutes: false };
  const { options: found, error, operands } = getopt(args, grammar);
  const isDebug = process.env['DUMB_INIT_DEBUG'] === '1';
  const isWithoutSession = process.env['DUMB_INIT_SETSID'] === '0';
  let isVerbose = isDebug;
  let isSingleChild = isWithoutSession;
  const rewritten = new Map<Signal, Signal | 'drop'>();
  for (const { letter, value } of found) {
    switch (letter) {
      case 'h':
        return say(help(call), 0);
      case 'V':
        return say(`dumb-init v${VERSION}\n`, 0);
      case 'v':
        isVerbose = true;
        break;
      case 'c':
        isSingleChild = true;
        break;
      case 'r': {
        const rewriting = rewritingOf(value);
        if (rewriting === undefined) return say(rewriteUsage, 1);
        rewritten.set(...rewriting);
      }
    }
  }
  if (error !== undefined) return say(`${call.name}: ${error}\n`, 1);
  if (operands.length === 0) {
    return say(`Usage: ${call.name} [option] program [args]\nTry ${call.name} --help for full usage.\n`, 1);
  }

  // The default action of these does nothing in an orphaned process group, which a session of its own is.
  const stopping = isSingleChild ? [] : suspending.map((signal) => [signal, SIGSTOP] as const);
  const rewrite = new Map([...stopping, ...before.rewrite, ...rewritten]);
  const mode = isSingleChild
    ? ({ leads: 'nothing', scope: 'child', survivors: 'leave' } as const)
    : ({ leads: 'session', survivors: 'signal' } as const);
  const options: InitOptions = { ...before, ...mode, rewrite };
  const preface = [
    ...(isDebug ? ['Running in debug mode.'] : []),
    ...(isDebug && isWithoutSession ? ['Not running in setsid mode.'] : []),
  ];
  const messages: Messages = {
    ...(isVerbose ? createMessages(call, rewrite, preface) : {}),
    startFailed(program, { errno }) {
      return { status: 2, line: line(`${program}: ${call.describeErrno(errno)}`) };
    },
  };
  return { kind: 'run', options, operands, messages };
}

/** As sscanf(3) reads "%d:%d": what follows does not matter. */
function rewritingOf(value: string): [Signal, Signal | 'drop'] | undefined {
  const found = new RegExp(`^(${C_NUMBER}):(${C_NUMBER})`).exec(value);
  if (found === null) return undefined;
  const [received, sent] = found.slice(1).map(toInt) as [Signal, Signal];
  if (received < 1 || received > LAST_NAMED_SIGNAL || sent < 0 || sent > LAST_NAMED_SIGNAL) return undefined;
  return [received, sent === 0 ? 'drop' : sent];
}

const rewriteUsage = `Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and ${LAST_NAMED_SIGNAL}.
This option can be specified multiple times.
Use --help for full usage.
`;

function help({ name }: Call): string {
  return `dumb-init v${VERSION}
Usage: ${name} [option] command [[arg] ...]

dumb-init is a simple process supervisor that forwards signals to children.
It is designed to run as PID1 in minimal container environments.

Optional arguments:
   -c, --single-child   Run in single-child mode.
                        In this mode, signals are only proxied to the
                        direct child and not any of its descendants.
   -r, --rewrite s:r    Rewrite received signal s to new signal r before proxying.
                        To ignore (not proxy) a signal, rewrite it to 0.
                        This option can be specified multiple times.
   -v, --verbose        Print debugging information to stderr.
   -h, --help           Print this help message and exit.
   -V, --version        Print the current version and exit.

Full help is available online at https://github.com/Yelp/dumb-init
`;
}

function line(text: string): string {
  return `[dumb-init] ${text}\n`;
}

function createMessages(
  call: Call,
  rewrite: InitOptions['rewrite'],
  preface: readonly string[],
): Pick<Messages, 'observer' | 'begin'> {
  const say = (text: string) => call.write(2, line(text));
  const withReason = (what: string, errno: Errno) =>
    `Unable to ${what} controlling tty (errno=${errno} ${call.describeErrno(errno)}).`;
  let terminal: Beginning['terminal'];
  let isOver = false;

  function childEnded(pid: Pid, how: EventOf<'workload-ended'>['how']): void {
    say(`Received signal ${SIGCHLD}.`);
    if (how.kind === 'exited') say(`A child with PID ${pid} exited with exit status ${how.code}.`);
    else say(`A child with PID ${pid} was terminated by signal ${how.signal}.`);
  }

  function follow(event: Event, effects: readonly Effect[]): void {
    if (event.kind === 'workload-started') {
      say(`Child spawned with PID ${event.workload}.`);
      // It says the rest in the child.
      if (terminal === 'shared') say(withReason('attach to', EPERM));
      else if (typeof terminal === 'object') say(withReason('attach to', terminal.error.errno));
      if (terminal !== undefined) say('setsid complete.');
    } else if (event.kind === 'signal') {
      received(event.signal, effects);
    }
    for (const effect of effects) {
      if (effect.kind !== 'exit') continue;
      sayForwarded(SIGTERM, rewrite.get(SIGTERM) ?? SIGTERM);
      say(`Child exited with status ${effect.status}. Goodbye.`);
    }
  }

  return {
    observer: {
      name: 'the messages',
      needsStatuses: 'the messages report each orphan',
      observe(observation) {
        if (observation.kind === 'step') follow(observation.event, observation.effects);
        if (observation.kind !== 'reaped' || isOver) return;
        childEnded(observation.pid, observation.how);
        // It ends right after its own child, and leaves the rest to others.
        isOver = observation.isWorkload;
      },
    },
    begin(beginning) {
      terminal = beginning.terminal;
      for (const text of preface) say(text);
      if (terminal === 'handed-over') {
        say('Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive.');
      } else if (terminal === 'shared') {
        say('Detached from controlling tty, but was not session leader.');
      } else if (terminal !== undefined) {
        say(withReason('detach from', terminal.error.errno));
      }
    },
  };

  function received(signal: Signal, effects: readonly Effect[]): void {
    say(`Received signal ${signal}.`);
    for (const effect of effects) {
      if (effect.kind === 'forward') {
        sayForwarded(signal, effect.sent);
      } else if (effect.kind === 'stop-self') {
        say('Suspending self due to TTY signal.');
      } else if (effect.kind === 'drop' && effect.why === 'handed-over') {
        say(`Ignoring tty hand-off signal ${signal}.`);
      } else if (effect.kind === 'drop' && effect.why === 'rewritten') {
        sayForwarded(signal, 'drop');
      }
    }
  }

  function sayForwarded(signal: Signal, sent: Signal | 'drop'): void {
    const number = sent === 'drop' ? 0 : sent;
    if (number !== signal) say(`Translating signal ${signal} to ${number}.`);
    if (number === 0) say('Not forwarding signal 0 to children (ignored).');
    else say(`Forwarded signal ${number} to children.`);
  }
}
