// The plots of a report: files that a page can show as they are, in light or in dark.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { drawGrowth, drawMemory, drawRanges, drawStorm } from './draw.mjs';

/** Draws what the report has figures for. */
export function plotAll(report, folder) {
  const figures = report.measurements.flatMap((measurement) => measurement.figures);
  const series = report.measurements.find(({ name }) => name === 'storm')?.series;
  const growth = figures.filter(({ group }) => /^growth: [\d,]+ descendants, (one|end)/.test(group));
  const draw = (name, rows, drawing) => {
    if (rows.length > 0) writeFileSync(resolve(folder, `${name}.svg`), `${drawing(rows)}\n`);
  };
  draw(
    'start',
    facets(figures, { 'to the workload': 'start: exec to workload', 'to the end': 'start: exec to exit' }),
    (rows) =>
      drawRanges(rows, {
        title: 'Start: from exec to the workload, and to the end of init',
        unit: 'ms',
        isLog: true,
      }),
  );
  draw('burst', burstRatios(figures), (rows) =>
    drawRanges(rows, {
      title: 'N zombies at one instant: time until the last is reaped',
      unit: 'times tini’s; the label has the milliseconds',
      rule: 1,
      isLog: true,
    }),
  );
  draw(
    'signals',
    facets(figures, { p50: 'signal to workload: p50', p99: 'signal to workload: p99' }),
    (rows) =>
      drawRanges(rows, {
        title: 'From a signal to init to the answer of the workload',
        unit: 'µs',
        isLog: true,
      }),
  );
  draw('memory', memoryRows(figures), drawMemory);
  draw('event-loop-delay', delayRows(figures), (rows) =>
    drawRanges(rows, {
      title: 'Delay of an app’s event loop while orphans rain on it',
      unit: 'ms',
      isLog: true,
      marginLeft: 190,
    }),
  );
  draw('storm', Object.entries(series ?? {}), drawStorm);
  draw('growth', growth.map(growthRow), drawGrowth);
}

/** @param groups  by the name of the facet, the group of its figures */
function facets(figures, groups) {
  return Object.entries(groups).flatMap(([facet, group]) =>
    figures
      .filter((figure) => figure.group.startsWith(group) && figure.note === undefined)
      .map((figure) => ({ facet, ...figure, label: figure.median })),
  );
}

function burstRatios(figures) {
  return figures
    .filter(({ group, ratio }) => group.startsWith('burst: ') && ratio !== undefined)
    .map(({ group, candidate, median, ratio }) => ({
      facet: /[\d,]+/.exec(group)[0],
      candidate,
      ...ratio,
      label: median,
    }));
}

function delayRows(figures) {
  return figures.flatMap((figure) => {
    const facet = /^in-process: event-loop delay, .*, (p50|p99|max)$/.exec(figure.group)?.[1];
    return facet === undefined ? [] : [{ facet, ...figure, label: figure.median }];
  });
}

function memoryRows(figures) {
  const groups = { alone: 'idle alone: ', 'beside a Node workload': 'idle beside a Node workload: ' };
  return Object.entries(groups).flatMap(([facet, prefix]) =>
    ['anonymous', 'file', 'proportional'].flatMap((kind) =>
      figures
        .filter(({ group, note }) => group === `${prefix}${kind} memory` && note === undefined)
        .map(({ candidate, median }) => ({ facet, kind, candidate, median })),
    ),
  );
}

function growthRow({ group, candidate, median, p25, p75 }) {
  const [, count, facet] = /^growth: ([\d,]+) descendants, (.*)$/.exec(group);
  return { facet, candidate, median, p25, p75, count: Number(count.replaceAll(',', '')) };
}
