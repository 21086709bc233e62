/**
 * Rewrites one line on standard error that says what runs now, if a person can see it.
 * @param {string} text  nothing clears the line
 */
export function showProgress(text = '') {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
}
