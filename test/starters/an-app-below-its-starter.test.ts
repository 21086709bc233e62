// What people start in a container, with an app below it that needs a while to stop. ALL=1 tries every cell.
import { afterAll, describe, test } from 'vitest';
import { describeWith } from '../helpers/modes.ts';
import { lacking } from '../helpers/needs.ts';
import { isWhole } from '../helpers/whole.ts';
import { type Cell, measure, type Outcome } from './cell.ts';
import { areInstalled } from './install.ts';
import { report } from './report.ts';
import { starters } from './starters.ts';

const apps = [
  { listens: 'once', drainMs: 500, isSample: true },
  { listens: 'once', drainMs: 4000, isSample: false },
  { listens: 'on', drainMs: 500, isSample: false },
  { listens: 'on', drainMs: 4000, isSample: true },
] as const;

/** Those whose Ctrl-C is tried in a sample. */
const sampleOnTerminal = ['npm', 'sh -c', 'run-p'];

const cells: readonly Cell[] = starters.flatMap((starter) =>
  (['SIGTERM', 'Ctrl-C'] as const)
    .filter((stop) => stop === 'SIGTERM' || starter.isOnTerminal !== false)
    .filter((stop) => stop === 'SIGTERM' || isWhole || sampleOnTerminal.includes(starter.name))
    .flatMap((stop) =>
      (['pid1', 'subreaper'] as const).flatMap((mode) =>
        apps
          .filter(({ isSample }) => isWhole || isSample)
          .map(({ listens, drainMs }) => ({ starter, mode, stop, listens, drainMs })),
      ),
    ),
);

const measured = new Map<Cell, Outcome>();
afterAll(() => {
  const order = cells.filter((cell) => measured.has(cell));
  report(new Map(order.map((cell) => [cell, measured.get(cell) as Outcome])));
});

const nameOf = ({ starter, mode, stop, listens, drainMs }: Cell) => {
  const place = mode === 'pid1' ? 'as PID 1' : 'as a plain subreaper';
  return `${starter.name}, ${stop}, init ${place}: process.${listens}, a drain of ${drainMs / 1000} s`;
};

const installed = lacking(
  areInstalled() ? undefined : 'the starters of the npm registry: they cannot be installed',
);

describeWith(['namespaces', 'strace', 'dash', 'bash'], 'an app below its starter', () => {
  describe.concurrent('drains, and init asks it once', installed, () => {
    for (const cell of cells) {
      test(nameOf(cell), async ({ expect }) => {
        const outcome = await measure(cell);
        measured.set(cell, outcome);
        const { starter, stop, listens } = cell;
        const { hasDrained, senders, sentByInit, isKilledByInit, status, startersStatus, left } = outcome;
        const isInTheGroup = starter.passesOn !== 'alone';
        expect({ isKilledByInit, status, left, sentByInit }, outcome.output).toEqual({
          isKilledByInit: false,
          status: startersStatus,
          left: 0,
          sentByInit: stop === 'SIGTERM' && isInTheGroup ? 1 : 0,
        });
        // The second signal, the starter's, ends an app that listens once.
        if (starter.passesOn !== 'too') expect(senders).toHaveLength(1);
        else if (listens === 'once') return;
        expect(hasDrained).toBe(true);
      });
    }
  });
});
