/** @returns the value below which the part `q` of the values is, between two of them as far as it falls there */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const low = Math.floor(place);
  return sorted[low] + (sorted[Math.ceil(place)] - sorted[low]) * (place - low);
}

/** @returns the median and the half of the values around it; undefined if there is none that is known */
export function summarize(values) {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return undefined;
  const [p25, median, p75] = [0.25, 0.5, 0.75].map((q) => quantile(known, q));
  return { median, p25, p75, rounds: known.length };
}

/** 20,000 */
export function withCommas(number) {
  return number.toLocaleString('en-US');
}
