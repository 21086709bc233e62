/** Three significant digits, and all digits of an integer: 1,656, 560, 12.3, 0.047 */
export const short = (value) =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : `${Number(value.toPrecision(3))}`;
