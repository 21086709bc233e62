import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import { writeWithoutBlocking } from '../log/destination.ts';
import { fromBytes } from '../native/byte-strings.ts';
import { detectLibc } from '../native/libc.ts';
import { requireModule } from '../native/require.ts';
import { describeSignal } from '../native/signals.ts';
import { describeErrno } from '../native/system-error.ts';
import type { ByteString } from '../native/types.ts';
import type { Command } from '../start/command.ts';
import type { Inherited } from '../start/inherited.ts';
import { type Invocation, parseCommandLine } from './command-line.ts';
import type * as dialects from './dialects/dialects.ts';
import { defaultOptions, dialectCalled } from './options.ts';

type OfDialect = Extract<Invocation, { kind: 'dialect' }>;

/** The base name that init was called by. node makes the path absolute, and follows no link. */
export function calledBy(): string {
  return basename(process.argv[1] as string);
}

/**
 * Reads the arguments behind --dialect as that program does.
 * @param args all arguments, --dialect included
 * @returns undefined if that program would run nothing, but say something: it has been said
 */
export function readDialect(
  { name, operands }: OfDialect,
  args: readonly ByteString[],
  { optionsVariable }: Inherited,
) {
  // A bundle of its own, since most command lines need none.
  const bundle = requireModule('./dialects.cjs') as typeof dialects;
  const dialect = bundle.dialects[name] as dialects.Dialect;
  // The options before --dialect once more, now as changes to what that program does by default.
  const split = args.length - operands;
  const own = args.slice(0, split).map(fromBytes);
  const defaults = { ...defaultOptions, ...dialect.defaults };
  const { options: before } = parseCommandLine(optionsVariable, own, defaults) as OfDialect;

  const caller = calledBy();
  const reading = dialect.read({
    name: dialectCalled(caller) === undefined ? name : caller,
    args: args.slice(split).map(fromBytes),
    before,
    libc: detectLibc(),
    isPosixlyCorrect: process.env['POSIXLY_CORRECT'] !== undefined,
    describeErrno,
    describeSignal,
    write: writeWithoutBlocking,
  });
  if (reading.kind === 'say') {
    writeSync(reading.descriptor, reading.text);
    process.exitCode = reading.status;
    return undefined;
  }
  const { options, operands: indexes, messages } = reading;
  const [program, ...rest] = indexes.map((index) => args[split + index] as ByteString);
  const command: Command | undefined = program === undefined ? undefined : [program, ...rest];
  return { command, options, messages };
}
