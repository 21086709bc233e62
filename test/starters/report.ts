import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFolder } from '../helpers/environment.ts';
import { markdownTable } from '../helpers/markdown-table.ts';
import type { Cell, Outcome } from './cell.ts';

/** Where the table of the last run is. */
const file = join(buildFolder, 'starters-table.md');

const head = [
  ...['starter', 'stop', 'init', 'handler', 'drain', 'drained', 'app saw', 'from'],
  ...['sent by init', 'status', 'starter’s status', 'time'],
];

/** "init (2), the terminal". */
function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of [...names].sort()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`)).join(', ');
}

function rowOf([cell, outcome]: readonly [Cell, Outcome]): string[] {
  const ending = outcome.isKilledByInit ? 'no, killed by init' : 'no';
  return [
    ...[cell.starter.name, cell.stop, cell.mode, cell.listens, `${cell.drainMs / 1000} s`],
    ...[outcome.hasDrained ? 'yes' : ending, outcome.seen.join(', '), counted(outcome.senders)],
    ...[String(outcome.sentByInit), String(outcome.status), String(outcome.startersStatus)],
    `${(outcome.tookMs / 1000).toFixed(1)} s`,
  ];
}

/** Prints what was measured, and keeps it in build/. */
export function report(measured: ReadonlyMap<Cell, Outcome>): void {
  const table = markdownTable(head, ...[...measured].map(rowOf));
  mkdirSync(buildFolder, { recursive: true });
  writeFileSync(file, `${table}\n`);
  console.log(table);
}
