// Counts the orphans that subreaper reaps, as any APM could: it only knows a channel's name, and imports nothing of
// subreaper's. docs/events.md has the fields.

import { subscribe } from 'node:diagnostics_channel';
import { Counter } from 'prom-client';

const orphans = new Counter({
  name: 'subreaper_orphans_total',
  help: 'Orphans reaped, by the name of the program and its exit code or signal',
  labelNames: ['name', 'end'],
});
const cpuSeconds = new Counter({
  name: 'subreaper_orphans_cpu_seconds_total',
  help: 'Processor time that reaped orphans had used',
  labelNames: ['name'],
});

subscribe('subreaper:orphan', (orphan) => {
  const name = orphan['process.executable.name'] ?? 'unknown';
  orphans.inc({ name, end: orphan.signal ?? orphan['process.exit.code'] });
  cpuSeconds.inc({ name }, orphan['process.cpu.time']);
});
