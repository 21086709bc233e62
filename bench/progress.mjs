/** One line on stderr that says what runs, if a person can see it. */
export const progress = {
  show(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
  },
  clear() {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  },
};
