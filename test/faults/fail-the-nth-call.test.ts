import { afterAll, expect, test } from 'vitest';
import {
  countCalls,
  describeFault,
  type Fault,
  type Injected,
  type Phase,
  runWithFault,
} from '../helpers/inject.ts';
import { describeWith } from '../helpers/modes.ts';
import type { Mode } from '../helpers/run-init.ts';
import { isWhole } from '../helpers/whole.ts';
import { callsOf, errorsOf } from './calls.ts';
import { knownFor } from './known-outcomes.ts';
import { sample, seed } from './sample.ts';

/** How many cases of each test the everyday run draws. */
const SAMPLE = 16;
/** Cases that run at once: each waits for its own start-up most of the time. */
const AT_ONCE = 3;
/** The most Ns that are tried for one call: the first three, and others at equal distances. */
const MOST_NS = 10;

describeWith(['actor', 'inject', 'namespaces'], 'one system call of init fails, or each one,', () => {
  let ran = 0;

  if (!isWhole) console.log(`faults: a sample; replay it with FAULTS_SEED=${seed}`);
  afterAll(() => console.log(`faults: ${ran} cases`));

  for (const [phase, mode, where] of [
    ['launcher', 'subreaper', 'in the launcher’s shell'],
    ['node', 'subreaper', 'in node’s start'],
    ['init', 'subreaper', 'in init, as a plain subreaper'],
    ['init', 'pid1', 'in init, as PID 1'],
    ['spawn', 'subreaper', 'in the workload’s process, before it is the workload'],
  ] as const) {
    test(`${where}: the right status, or 125 to 127 and one line, or what the table of known outcomes says`, {
      timeout: 4 * 3_600_000,
    }, async () => {
      const untouched = await countCalls(mode);
      expect(untouched).toMatchObject({ code: 7, hung: false, left: false, started: true });
      const all = casesOf(phase, mode, untouched.counts[phase]);
      // Where node may hang, a case may take the whole deadline.
      const quick = all.filter((fault) => !knownFor(fault).includes('node hangs'));
      const cases = isWhole ? all : sample(quick, SAMPLE);
      const wrong: string[] = [];
      const rest = cases.values();
      const work = async () => {
        for (const fault of rest) {
          const objection = await tryFault(fault);
          ran++;
          if (objection === undefined) continue;
          wrong.push(objection);
          console.log(objection);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(wrong).toEqual([]);
    });
  }
});

function casesOf(phase: Phase, mode: Mode, counts: Readonly<Record<string, number>>): Fault[] {
  return callsOf[phase]
    .filter((call) => counts[call] !== undefined)
    .flatMap((call) => {
      const errnos = new Set([...(errorsOf[call] ?? []), 'EPERM', 'ENOSYS']);
      const ns = spread(counts[call] as number);
      return [...errnos].flatMap((errno) => [
        ...ns.map((nth) => ({ mode, phase, call, errno, nth, andAllBehind: false })),
        { mode, phase, call, errno, nth: 1, andAllBehind: true },
      ]);
    })
    .filter((fault) => !knownFor(fault).includes('not tried'));
}

/** 1 to count, or some of them. */
function spread(count: number): number[] {
  if (count <= MOST_NS) return Array.from({ length: count }, (_, index) => index + 1);
  const others = Array.from({ length: MOST_NS - 3 }, (_, index) =>
    Math.round(3 + ((count - 3) * (index + 1)) / (MOST_NS - 3)),
  );
  return [1, 2, 3, ...others];
}

/** @returns what is wrong */
async function tryFault(fault: Fault): Promise<string | undefined> {
  const known = knownFor(fault);
  const seen = await runWithFault(fault, known.includes('deaf') ? 3 : undefined);
  const outcome = outcomeOf(fault, seen);
  const isAllowed = outcome === 'right' || outcome === 'says why' || known.some((row) => row === outcome);
  const { code, signal, waitsIn, left, started, stderr } = seen;
  const facts = JSON.stringify({ code, signal, waitsIn, left, started, stderr });
  return isAllowed ? undefined : `${describeFault(fault)}: ${outcome}, ${facts}`;
}

function outcomeOf(fault: Fault, { code, signal, hung, waitsIn, left, started, stderr }: Injected): string {
  // Once the workload runs, init waits in epoll_pwait alone.
  const isNodes = fault.phase === 'node' ? !started : started && waitsIn === 'read';
  if (hung) return isNodes ? 'node hangs' : 'hangs';
  if (started && left && signal === 0) return code === 7 ? 'left behind' : 'left behind by a failure';
  if (code === 7) return started ? 'right' : 'no output';
  if (code === 8 && started) return 'deaf';
  const ownLines = stderr.split('\n').filter((line) => /^subreaper: |^\{"level":60,/.test(line));
  if (code >= 125 && code <= 127 && ownLines.length === 1) return 'says why';
  if (fault.phase === 'launcher' && !started && code > 0) return 'shell ends';
  if (fault.phase === 'launcher' && !started && code === 0) return 'nothing runs, and 0';
  if (fault.phase === 'spawn' && !started && code > 0) return 'shell ends';
  // A node that starts has not started anything else. It may end with the number of an error.
  const isFailure = fault.phase === 'node' ? code > 0 : [1, 126, 127].includes(code);
  const isAbort = [4, 5, 6, 7, 11].includes(signal) || isFailure;
  if (isAbort && (fault.phase === 'init' || !started)) return 'node ends';
  return 'wrong';
}
