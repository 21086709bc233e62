const UNSURE = 0.05;

/**
 * The interval that holds the median of what the values are a sample of, with at least 95 % confidence, whatever its
 * distribution is. Each value is as likely below that median as above it, so how many are below is binomial: this cuts
 * off as many values at both ends as that allows.
 * @param {readonly number[]} values  at least six: fewer are never that sure
 * @returns {{ low: number, high: number }}
 */
export function medianInterval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  let cut = 0;
  // The probability of exactly `cut` values below the median, and of at most so many.
  let exactly = 0.5 ** sorted.length;
  let atMost = exactly;
  while (2 * atMost <= UNSURE) {
    exactly *= (sorted.length - cut) / (cut + 1);
    atMost += exactly;
    cut++;
  }
  return { low: sorted[cut - 1], high: sorted.at(-cut) };
}
