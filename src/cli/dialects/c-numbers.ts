/** What isspace(3) finds in the C locale. */
const SPACE = '[\\t-\\r ]*';

/** A regular expression for what strtol(3) takes for a number in base 10. */
export const C_NUMBER = `${SPACE}[+-]?\\d+`;

/** A number as atoi(3) and scanf(3) store it: strtol(3) stops at the limits of a long, and an int takes its lower half. */
export function toInt(digits: string): number {
  const limit = 2n ** 63n;
  // BigInt takes no plus sign.
  const value = BigInt(digits.trim().replace('+', ''));
  const long = value >= limit ? limit - 1n : value < -limit ? -limit : value;
  return Number(BigInt.asIntN(32, long));
}
