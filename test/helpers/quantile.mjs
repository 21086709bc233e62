/**
 * @param {readonly number[]} values  at least one
 * @param {number} part  from 0 to 1
 * @returns {number} the value below which this part of them is, between two of them if it falls there
 */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const low = Math.floor(place);
  return sorted[low] + (sorted[Math.ceil(place)] - sorted[low]) * (place - low);
}
