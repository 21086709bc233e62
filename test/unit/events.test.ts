import { expect, test } from 'vitest';
import {
  documentedChannels,
  documentedEvents,
  documentedFields,
  faultsOf,
} from '../helpers/documented-events.ts';
import { markdownTable } from '../helpers/markdown-table.ts';

const code = (text: string) => `\`${text}\``;
/** With a question mark if only some records have it. */
const fieldsOf = (fields: Readonly<Record<string, 'always' | 'sometimes'>>) =>
  Object.entries(fields)
    .map(([name, how]) => code(how === 'always' ? name : `${name}?`))
    .join(', ');

test('docs/events.md has the table that the types and the tests are checked against (update it with: npm run docs)', async () => {
  const events = Object.entries(documentedEvents).map(([name, { levels, when, fields }]) => [
    code(name),
    levels.join(', '),
    when,
    fieldsOf(fields),
  ]);
  const fields = Object.entries(documentedFields).map(([name, { type, from, means }]) => [
    code(name),
    type,
    from,
    means,
  ]);
  const channels = Object.entries(documentedChannels).map(([name, when]) => [
    code(name),
    when,
    fieldsOf(documentedEvents[name.slice('subreaper:'.length) as keyof typeof documentedEvents].fields),
  ]);
  const text = `# Events

init reports what it does as events: JSON records on standard error, by pino. Names and fields are stable. An app that is its
own init publishes the same events on \`node:diagnostics_channel\`.

\`\`\`text
{"level":20,"time":1767225600000,"name":"subreaper","pid":1,"event":"orphan","process.pid":57,"process.executable.name":"chrome","signal":"SIGKILL","process.uptime":12.41,"process.cpu.time":0.318207,"maxRssKib":98304,"msg":"orphan reaped"}
\`\`\`

\`level\`, \`time\`, \`name\`, \`pid\` (init's) and \`msg\` are pino's own. A \`msg\`, and a record without \`event\`, is for people and
may change.

## The events

A field with a question mark is only in some records.

${markdownTable(['event', 'level', 'when', 'fields'], ...events)}

\`-v\` shows info, \`-vv\` debug. Without either, you see \`kill\` and \`restart\`.

## The fields

Fields have the names and units of OpenTelemetry's semantic conventions for processes, if there are any. You can copy an
attribute into a log record or a span.

${markdownTable(['field', 'type', 'from', 'meaning'], ...fields)}

## What it costs

A record below the level costs nothing. init loads pino for the first record that passes it, after the workload's start. At
debug, init reaps orphans itself ([kernel reaping](kernel-reaping.md)), and each one costs another waitid(2) and a read of
/proc/pid/stat.

init never blocks on standard error. It drops records that do not fit, and counts them in the next one.

## On a terminal

On a terminal the log is for people: a line for each record, in colour. \`--log-format json\` and \`pretty\` set the form; only a
terminal gets colour. Control characters are replaced, because a process chooses its own name.

\`\`\`text
12:00:00.004 INFO  subreaper[1]: workload started event=started process.pid=7 process.executable.name=node
\`\`\`

## In an app

\`\`\`js
import { subscribe } from 'node:diagnostics_channel';

subscribe('subreaper:orphan', (orphan) => {
  console.log(orphan['process.executable.name'], orphan['process.exit.code'] ?? orphan.signal);
});
\`\`\`

An APM can subscribe on its own. The types \`EventChannels\`, \`StartedEvent\`, \`OrphanEvent\`,
\`KillEvent\` and \`ExitEvent\` are exported. A channel without a subscriber costs nothing. Several copies of the package publish
each orphan once.

${markdownTable(['channel', 'when', 'fields'], ...channels)}

[examples/prometheus](../examples/prometheus/README.md) counts orphans for Prometheus. The \`logger\` of \`register()\` gets each
orphan as the same record.

## What they never contain

Events never contain the arguments of a command, beyond the program's name, or anything of the environment. Tests plant a
secret in both and search for it at every level, in both forms.
`;
  await expect(text).toMatchFileSnapshot('../../docs/events.md');
});

test('a record that is not as documented is found', () => {
  const exit = {
    level: 30,
    time: 1,
    name: 'subreaper',
    pid: 1,
    event: 'exit',
    'process.exit.code': 3,
    msg: '',
  };
  expect(faultsOf(exit)).toEqual([]);
  expect(faultsOf({ ...exit, event: 'entrance' })).toEqual(['there is no event entrance']);
  expect(faultsOf({ ...exit, argv: 'x' })).toEqual(['exit has no field argv']);
  expect(faultsOf({ ...exit, level: 20 })).toEqual(['exit at debug']);
  expect(faultsOf({ ...exit, 'process.exit.code': '3' })).toEqual([
    'process.exit.code of exit is no integer: 3',
  ]);
  expect(faultsOf({ event: 'exit' })).toEqual(['exit lacks process.exit.code']);
});
