import type { EventRecord } from '../../src/events/events.ts';
import type { EventChannels } from '../../src/in-process/channels.ts';
import type { LogLevel } from '../../src/log/log.ts';

type EventName = EventRecord['event'];
type FieldsOf<Name extends EventName> = string &
  Exclude<keyof Extract<EventRecord, { event: Name }>, 'event'>;
type FieldName = { [Name in EventName]: FieldsOf<Name> }[EventName];

interface DocumentedEvent<Field extends string> {
  readonly levels: readonly LogLevel[];
  readonly when: string;
  /** In every record, or only in some. */
  readonly fields: Readonly<Record<Field, 'always' | 'sometimes'>>;
}

/** docs/events.md is made from this. Its type comes from the records: the compiler finds a field too many or too few. */
export const documentedEvents: { readonly [Name in EventName]: DocumentedEvent<FieldsOf<Name>> } = {
  started: {
    levels: ['info'],
    when: 'the workload runs',
    fields: { 'process.pid': 'always', 'process.executable.name': 'always' },
  },
  signal: {
    levels: ['info', 'debug', 'warn'],
    when: 'init has forwarded a signal, or dropped it (no `sent`). info for a stop signal, even if it is not treated as a stop (`--rewrite` changed it, or the workload ignores it); debug for others; warn if init could not send it to every process',
    fields: { signal: 'always', sent: 'sometimes', refused: 'sometimes', error: 'sometimes' },
  },
  stop: {
    levels: ['info'],
    when: 'a stop signal was received; the `signal` event follows when it is forwarded',
    fields: { signal: 'always', sent: 'always' },
  },
  orphan: {
    levels: ['debug'],
    when: 'init has reaped an orphan',
    fields: {
      'process.pid': 'always',
      'process.executable.name': 'sometimes',
      'process.exit.code': 'sometimes',
      signal: 'sometimes',
      'process.uptime': 'sometimes',
      'process.cpu.time': 'always',
      maxRssKib: 'always',
    },
  },
  ended: {
    levels: ['info'],
    when: 'the workload has ended',
    fields: { 'process.pid': 'always', 'process.exit.code': 'sometimes', signal: 'sometimes' },
  },
  survivor: {
    levels: ['info'],
    when: 'the workload has ended and left processes, which init asks to end, or waits for (`--until all`). When its owner or its input has ended, init asks the workload too',
    fields: { processes: 'sometimes' },
  },
  kill: {
    levels: ['warn'],
    when: 'the remaining processes get SIGKILL: after `--grace`, at `--stop-timeout`, or at a second stop signal',
    fields: { processes: 'sometimes' },
  },
  restart: {
    levels: ['warn'],
    when: 'the workload will be started again',
    fields: { status: 'always', delayMs: 'always' },
  },
  exit: {
    levels: ['info'],
    when: 'init ends',
    fields: { 'process.exit.code': 'always', signal: 'sometimes' },
  },
};

interface DocumentedField {
  readonly type: 'string' | 'integer' | 'number';
  readonly from: 'OpenTelemetry, attribute' | 'OpenTelemetry, metric' | 'subreaper';
  readonly means: string;
}

export const documentedFields: { readonly [Name in FieldName]: DocumentedField } = {
  'process.pid': {
    type: 'integer',
    from: 'OpenTelemetry, attribute',
    means: 'the process that the event is about, as a pid in the PID namespace of init or the app',
  },
  'process.executable.name': {
    type: 'string',
    from: 'OpenTelemetry, attribute',
    means:
      'the base name of the command; for an orphan its name in /proc/pid/stat, at most 15 bytes: a zombie has no /proc/pid/exe. Node’s MainThread is called node. Missing without /proc',
  },
  'process.exit.code': {
    type: 'integer',
    from: 'OpenTelemetry, attribute',
    means: 'missing if a signal ended the process; in `exit` the status of init or of the app',
  },
  'process.uptime': {
    type: 'number',
    from: 'OpenTelemetry, metric',
    means: 'seconds from the start of the process until it was reaped, to within 0.01. Missing without /proc',
  },
  'process.cpu.time': {
    type: 'number',
    from: 'OpenTelemetry, metric',
    means:
      'seconds in user and system mode together, of the process and of the children that it waited for, getrusage(2)',
  },
  maxRssKib: {
    type: 'integer',
    from: 'subreaper',
    means: 'the largest resident set among them, in KiB: OpenTelemetry has no peak',
  },
  signal: {
    type: 'string',
    from: 'subreaper',
    means: 'in `signal` and `stop` the signal that init got; elsewhere the one that ended the process',
  },
  sent: {
    type: 'string',
    from: 'subreaper',
    means: 'what init sends to the workload: a different signal with `--rewrite`',
  },
  refused: {
    type: 'integer',
    from: 'subreaper',
    means: 'how many processes init was not permitted to signal',
  },
  error: { type: 'string', from: 'subreaper', means: 'why it could not be sent' },
  processes: {
    type: 'integer',
    from: 'subreaper',
    means: 'how many processes are left; counted up to 200. Missing if /proc cannot be read',
  },
  status: {
    type: 'integer',
    from: 'subreaper',
    means: 'the exit status of the last run: 128 + N for signal N, after `--remap-exit`',
  },
  delayMs: {
    type: 'integer',
    from: 'subreaper',
    means: 'how long init waits before it starts the workload again',
  },
};

/** What makes an app that is its own init publish on a channel. */
export const documentedChannels: { readonly [Name in keyof EventChannels]: string } = {
  'subreaper:started':
    'the first registration has made the app its own init; `process.executable.name` is that of node',
  'subreaper:orphan': 'an orphan has been reaped, in the next tick',
  'subreaper:kill': '`killOrphansOnExit` kills the orphans that are left',
  'subreaper:exit':
    'a signal that the app does not listen for ends it, as PID 1. Subscribers run before that, and cannot wait for anything',
};

/** What is wrong with a record; empty if it is as documented. pino's own fields are none of the event's. */
export function faultsOf(record: Readonly<Record<string, unknown>>): string[] {
  const { event, level, time: _time, name: _name, pid: _pid, msg: _msg, ...fields } = record;
  const documented = documentedEvents[event as EventName];
  if (documented === undefined) return [`there is no event ${event}`];
  const allowed: Readonly<Record<string, string>> = documented.fields;
  const faults = Object.entries(fields).flatMap(([field, value]) => {
    if (!(field in allowed)) return [`${event} has no field ${field}`];
    const { type } = documentedFields[field as FieldName];
    const isRight = type === 'integer' ? Number.isInteger(value) : typeof value === type;
    return isRight ? [] : [`${field} of ${event} is no ${type}: ${value}`];
  });
  for (const [field, how] of Object.entries(allowed)) {
    if (how === 'always' && !(field in fields)) faults.push(`${event} lacks ${field}`);
  }
  const levelName = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'][Number(level) / 10 - 1];
  if (level !== undefined && !documented.levels.includes(levelName as LogLevel)) {
    faults.push(`${event} at ${levelName}`);
  }
  return faults;
}
