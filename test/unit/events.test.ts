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

test('docs/events.md has the table that the types and the tests are checked against (update it with: npm run docs:events)', async () => {
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

What init does is told as events, with names and fields that stay: one JSON record each on standard error, by pino. An app
that is its own init publishes the same on \`node:diagnostics_channel\`.

\`\`\`text
{"level":20,"time":1767225600000,"name":"subreaper","pid":1,"event":"orphan","process.pid":57,"process.executable.name":"chrome","signal":"SIGKILL","process.uptime":12.41,"process.cpu.time":0.318207,"maxRssKib":98304,"msg":"orphan reaped"}
\`\`\`

\`level\`, \`time\`, \`name\`, \`pid\` (that of init) and \`msg\` are pino's own. A record without \`event\` is a remark for a
person, and so is every \`msg\`: they may change.

## The events

A question mark: only some records have the field.

${markdownTable(['event', 'level', 'when', 'fields'], ...events)}

\`-v\` shows info, \`-vv\` debug. \`kill\` and \`restart\` are there by default.

## The fields

Where OpenTelemetry's semantic conventions for processes have a term, the field has its name and unit. An attribute may go
into a log record or a span as it is.

${markdownTable(['field', 'type', 'from', 'meaning'], ...fields)}

## What it costs

Nothing while it is off: pino is loaded for the first record that passes the level, and only after the workload's start.
At debug, init needs each orphan's status. So the kernel does not reap ([kernel-reaping.md](kernel-reaping.md)), which
\`-v\` says once, with the reason. An orphan is then looked at in /proc before init waits for it: one more waitid(2), with
WNOWAIT, and one read of /proc/pid/stat. At other levels init does neither.

init never blocks on standard error: records that do not fit are dropped, and counted in the next one.

## On a terminal

There the log is for a person: one line each, in colour. \`--log-format json\` and \`pretty\` set the form; a pipe or a file
gets no colour in either. Control characters in it are replaced, since a process chooses its own name.

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

An APM can subscribe without the app or subreaper knowing of it. The types \`EventChannels\`, \`StartedEvent\`, \`OrphanEvent\`,
\`KillEvent\` and \`ExitEvent\` are exported. A channel without a subscriber costs nothing: no event is built, and no orphan
looked at. Several copies of the package publish each orphan once.

${markdownTable(['channel', 'when', 'fields'], ...channels)}

[examples/prometheus](../examples/prometheus/README.md) counts orphans for Prometheus. The \`logger\` of \`register()\` gets each
orphan as the same record.

## What is in none of them

No argument of a command but the program's name, and nothing of the environment. Tests plant a secret in both and search
for it at every level, in both forms.
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
