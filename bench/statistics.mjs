/** @returns the value below which the part `q` of the values is, between two of them as far as it falls there */
export function quantile(values, q) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const low = Math.floor(place);
  return sorted[low] + (sorted[Math.ceil(place)] - sorted[low]) * (place - low);
}

export function median(values) {
  return quantile(values, 0.5);
}

/** @returns the median and the half of the values around it, from the 25th to the 75th percentile */
export function summarize(values) {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return undefined;
  const [p25, middle, p75] = [0.25, 0.5, 0.75].map((q) => quantile(known, q));
  return { median: middle, p25, p75, rounds: known.length };
}

/** @returns the same of value / base, round by round: what slows a whole round down falls out of it */
export function summarizeRatios(values, base) {
  return summarize(values.map((value, round) => (base[round] > 0 ? value / base[round] : Number.NaN)));
}

/** @returns the exponent of growth between the first and the last point: 1 is linear, 2 quadratic */
export function growthExponent(points) {
  const [first, last] = [points[0], points.at(-1)];
  return Math.log(last.value / first.value) / Math.log(last.count / first.count);
}
