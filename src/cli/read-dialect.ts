import { basename } from 'node:path';
import { fromBytes } from '../init/byte-strings.ts';
import type { Command } from '../init/command.ts';
import type { Inherited } from '../init/inherited.ts';
import { openDestination } from '../log/destination.ts';
import { detectLibc } from '../native/addon.ts';
import { requireModule } from '../native/require.ts';
import { describeSignal } from '../native/signals.ts';
import { describeErrno } from '../native/system-error.ts';
import type { ByteString } from '../native/types.ts';
import type { RealTimeRange } from '../signals/signal-names.ts';
import { type Invocation, parseCommandLine } from './command-line.ts';
import { dialectCalled } from './dialect-names.ts';
import type * as dialects from './dialects/dialects.ts';
import { defaultOptions } from './options.ts';
import { packageFile, version } from './version.ts';

type OfDialect = Extract<Invocation, { kind: 'dialect' }>;

export type DialectReading =
  | Extract<dialects.Reading, { kind: 'say' }>
  | (Omit<Extract<dialects.Reading, { kind: 'run' }>, 'operands'> & {
      readonly command: Command | undefined;
    });

/** The base name that init was called by. node makes the path absolute, and follows no link. */
export function calledBy(): string {
  return basename(process.argv[1] as string);
}

/** Reads the arguments behind --dialect as that program does. @param args all arguments, --dialect included */
export function readDialect(
  { name, operands }: OfDialect,
  args: readonly ByteString[],
  { optionsVariable }: Inherited,
  realTime: RealTimeRange,
): DialectReading {
  // A bundle of its own, since most command lines need none.
  const bundle = requireModule('./dialects.cjs') as typeof dialects;
  const dialect = bundle.dialects[name] as dialects.Dialect;
  // The options before --dialect once more, now as changes to what that program does by default.
  const split = args.length - operands;
  const own = args.slice(0, split).map(fromBytes);
  const defaults = { ...defaultOptions, ...dialect.defaults };
  const { options: before } = parseCommandLine(optionsVariable, own, realTime, defaults) as OfDialect;

  const caller = calledBy();
  const reading = dialect.read({
    name: dialectCalled(caller) === undefined ? name : caller,
    args: args.slice(split).map(fromBytes),
    variables: process.env,
    before,
    permutes: process.env['POSIXLY_CORRECT'] === undefined && detectLibc() === 'glibc',
    version,
    license: () => packageFile('LICENSE'),
    describeErrno,
    describeSignal,
    write: createWriter(),
  });
  if (reading.kind === 'say') return reading;
  const { options, messages } = reading;
  const [program, ...rest] = reading.operands.map((index) => args[split + index] as ByteString);
  return { kind: 'run', options, messages, command: program === undefined ? undefined : [program, ...rest] };
}

/** Each stream is opened with its first line. */
function createWriter(): (descriptor: 1 | 2, text: string) => void {
  const writers = new Map<1 | 2, (text: string) => boolean>();
  return (descriptor, text) => {
    const write = writers.get(descriptor) ?? openDestination(descriptor);
    writers.set(descriptor, write);
    write(text);
  };
}
