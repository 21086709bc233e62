// Numbers as the tables and plots show them.

/** 20,000 */
export function withCommas(number) {
  return number.toLocaleString('en-US');
}

/** Three significant digits and no more: 1,656, 560, 12.3, 0.047 */
export function short(value) {
  return Math.abs(value) >= 1000 ? withCommas(Math.round(value)) : `${Number(value.toPrecision(3))}`;
}
