import { quoted } from '../init/failure.ts';

const millisecondsOf = { ms: 1, s: 1000, m: 60_000 } as const;

/** The longest that a timer of node's can wait: 2^31 - 1 ms, some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Reads "500ms", "10s", "1.5m"; a bare number is seconds.
 * @returns milliseconds, or undefined for anything else
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? 's') as keyof typeof millisecondsOf;
  const milliseconds = Math.round(Number(match[1]) * millisecondsOf[unit]);
  return milliseconds <= LONGEST_MS ? milliseconds : undefined;
}

/** Why parseDuration does not read a text. */
export function durationFault(text: string): string {
  const [, unit] = /^\d+(?:\.\d+)?([a-zµ]*)$/i.exec(text) ?? [];
  if (unit === undefined) return 'it takes a duration, a number and a unit';
  return unit === '' || Object.hasOwn(millisecondsOf, unit)
    ? 'it takes a duration of 24 days at most'
    : `there is no unit ${quoted(unit)}`;
}
