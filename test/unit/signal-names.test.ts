import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Signal } from '../../src/native/types.ts';
import { forwardedSignals } from '../../src/signals/catchable.ts';
import {
  noRealTime,
  parseSignal,
  type RealTimeRange,
  signalName,
  signalNames,
  signalNumber,
} from '../../src/signals/signal-names.ts';
import { needs } from '../helpers/needs.ts';

const glibc = { first: 34, last: 64 } as RealTimeRange;
const musl = { first: 35, last: 64 } as RealTimeRange;

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => (from + index) as Signal);

/** The names that signal(7) gives as synonyms of others. */
const synonyms = ['SIGIOT', 'SIGPOLL', 'SIGCLD', 'SIGUNUSED'];
const ofNode = Object.entries(constants.signals);
const platformSignals = ofNode.filter(([name]) => !synonyms.includes(name));
const synonymsOfNode = ofNode.filter(([name]) => synonyms.includes(name));

describe.each([
  ['glibc', glibc],
  ['musl', musl],
] as const)('with the real-time signals of %s', (_, realTime) => {
  test('each signal has a name that is read back', () => {
    for (const signal of [...range(1, 31), ...range(realTime.first, 64)]) {
      const name = signalName(signal, realTime);
      expect(name).toMatch(/^SIG[A-Z0-9]+(?:\+\d+)?$/);
      for (const written of [name, name.slice(3), name.toLowerCase(), String(signal)]) {
        expect(parseSignal(written, realTime), written).toBe(signal);
      }
    }
  });

  test('no two signals share a name', () => {
    const signals = range(1, 64);
    expect(new Set(signals.map((signal) => signalName(signal, realTime))).size).toBe(64);
  });

  test('the C library’s own signals have a number only', () => {
    for (const signal of range(32, realTime.first - 1)) {
      expect(signalName(signal, realTime)).toBe(`signal ${signal}`);
      expect(parseSignal(String(signal), realTime)).toBe(signal);
    }
  });

  test('RTMIN and RTMAX count from the ends', () => {
    const last = 64 - realTime.first;
    expect(signalName(realTime.first, realTime)).toBe('SIGRTMIN');
    expect(signalName(64 as Signal, realTime)).toBe(`SIGRTMIN+${last}`);
    expect(parseSignal('RTMIN', realTime)).toBe(realTime.first);
    expect(parseSignal('SIGRTMIN+3', realTime)).toBe(realTime.first + 3);
    expect(parseSignal('sigrtmax', realTime)).toBe(64);
    expect(parseSignal('RTMAX-1', realTime)).toBe(63);
    expect(parseSignal(`RTMAX-${last}`, realTime)).toBe(realTime.first);
    expect(parseSignal(`RTMIN+${last + 1}`, realTime)).toBeUndefined();
    expect(parseSignal(`RTMAX-${last + 1}`, realTime)).toBeUndefined();
  });
});

describe('names', () => {
  test('are the platform’s', () => {
    expect(platformSignals.length).toBeGreaterThanOrEqual(30);
    for (const [name, number] of platformSignals) {
      expect(signalNumber(name as NodeJS.Signals), name).toBe(number);
      expect(signalName(number as Signal, glibc), name).toBe(name);
      expect(signalNames()).toContain(name.slice(3));
    }
  });

  test('are 31 on Linux, in the order of their numbers', needs('linux'), () => {
    const numbers = signalNames().map((name) => signalNumber(`SIG${name}` as NodeJS.Signals));
    expect(numbers.slice(0, 31)).toEqual(range(1, 31));
    expect(signalNames().slice(31)).toEqual(['IOT', 'POLL']);
  });

  // The synonyms of signal(7) that node and kill(1) take.
  test('are read as synonyms too', needs('linux'), () => {
    expect(synonymsOfNode.length).toBeGreaterThan(0);
    expect(synonymsOfNode.map(([name]) => [name, parseSignal(name, glibc)])).toEqual(synonymsOfNode);
  });

  test('are read with or without SIG, in either case', () => {
    for (const text of ['SIGTERM', 'TERM', 'term', 'sigterm', 'SigTerm', '15', '015']) {
      expect(parseSignal(text, glibc), text).toBe(15);
    }
  });

  test('are nothing else', () => {
    const texts = [
      '',
      ' ',
      'SIG',
      'FOO',
      'SIGSIGTERM',
      'TERM ',
      ' 15',
      '0',
      '65',
      '-1',
      '+15',
      '15.0',
      '0x0f',
      '1e1',
      '99999999999999999999',
      'RT',
      'RTMIN+',
      'RTMIN-1',
      'RTMIN+x',
      'RTMIN+1.5',
      'RTMAX+1',
      'RTMAX-',
      'RTMID',
      'constructor',
      '__proto__',
      'TERM\n',
    ];
    expect(texts.filter((text) => parseSignal(text, glibc) !== undefined)).toEqual([]);
  });

  test('without real-time signals there is none above 31', () => {
    for (const text of ['RTMIN', 'RTMIN+1', 'RTMAX', '32', '34', '64']) {
      expect(parseSignal(text, noRealTime), text).toBeUndefined();
    }
    expect(parseSignal('31', noRealTime)).toBe(31);
    expect(parseSignal('TERM', noRealTime)).toBe(15);
  });
});

describe('init forwards', needs('linux'), () => {
  // KILL and STOP cannot be caught, CHLD is init's own, and the other seven the kernel raises for faults.
  const notForwarded = [9, 19, 17, 4, 5, 6, 7, 8, 11, 31];
  const named = range(1, 31).filter((signal) => !notForwarded.includes(signal));

  test('21 named signals and the real-time ones', () => {
    expect(named).toHaveLength(21);
    expect(forwardedSignals(glibc)).toEqual([...named, ...range(34, 64)]);
    expect(forwardedSignals(musl)).toEqual([...named, ...range(35, 64)]);
    expect(forwardedSignals(noRealTime)).toEqual(named);
  });
});
