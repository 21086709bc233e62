import { signalNumber } from '../../signals/signal-names.ts';
import { packageFile, version } from '../version.ts';
import type { Call, Dialect, Reading } from './dialect.ts';
import { getopt } from './getopt.ts';

/** The version that this follows. */
const VERSION = '0.1.7';

export const catatonit: Dialect = {
  defaults: {
    scope: 'child',
    survivors: 'leave',
    // It leaves job control to the kernel.
    rewrite: new Map(
      (['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const).map((name) => [signalNumber(name), 'drop']),
    ),
    logLevel: 'error',
  },
  read,
};

function read(call: Call): Reading {
  const { args, before, libc, isPosixlyCorrect } = call;
  const usage = `usage: ${call.name} [-ghLPV] [--] <progname> [<arguments>...]\n`;
  const refuse = (text: string): Reading => ({ kind: 'say', descriptor: 2, text: text + usage, status: 1 });
  // It calls getopt_long(3), which does not know POSIXLY_CORRECT in musl.
  const permutes = libc === 'musl' || !isPosixlyCorrect;
  const grammar = { libc, short: 'ghLPV', long: { version: 'V' }, permutes };
  const { options: found, error, operands } = getopt(args, grammar);
  let { scope, pause, rewrite } = before;
  for (const { letter } of found) {
    switch (letter) {
      case 'h':
        return { kind: 'say', descriptor: 2, text: usage + help, status: 0 };
      case 'L':
        return { kind: 'say', descriptor: 1, text: packageFile('LICENSE'), status: 0 };
      case 'V': {
        const text = `tini version ${VERSION}_catatonit - subreaper ${version()}\n`;
        return { kind: 'say', descriptor: 1, text, status: 0 };
      }
      case 'g':
        scope = 'group';
        break;
      case 'P':
        pause = true;
    }
  }
  if (error !== undefined) return refuse(`${call.name}: ${error}\n`);
  if (!pause && operands.length === 0) return refuse(errorLine(call, 'missing program name'));
  // Only SIGINT and SIGTERM end its pause.
  if (pause) rewrite = new Map([...rewrite, [signalNumber('SIGQUIT'), 'drop']]);
  const options = { ...before, scope, pause, rewrite };
  return {
    kind: 'run',
    options,
    operands: pause ? [] : operands,
    // Without its debug mode it says nothing but errors.
    messages: {
      startFailed(_program, { errno }) {
        return { status: 1, line: errorLine(call, `failed to exec pid1: ${call.describeErrno(errno)}`) };
      },
    },
  };
}

const help = `
options:
  -g              Forward signals to pid1's process group.
  -h              Print this help page.
  -L              Print license information.
  -P              Run in pause mode (no program is run and quit on SIGINT).
  -V, --version   Print version information.

This is subreaper, called as catatonit.
`;

function errorLine({ name }: Call, text: string): string {
  return `ERROR (${name}:${process.pid}): ${text}\n`;
}
