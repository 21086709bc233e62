/** How many characters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= from.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(from.length, to.length);
}

/**
 * The candidate that looks most like what was typed. One that begins with it is taken for abbreviated; else one that ends
 * with it, as --stop-delay with --delay.
 * @returns undefined if none looks like it: a guess would mislead
 */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const word = typed.toLowerCase();
  // A number, or one letter, looks like nothing.
  if (word.length < 2 || !/[a-z]/.test(word)) return undefined;
  const distance = (candidate: string) => {
    if (candidate.toLowerCase().startsWith(word)) return 0.5;
    // Without its first dash, a long option is the end of another one.
    const isEnd = word.startsWith('--') && candidate.toLowerCase().endsWith(word.slice(1));
    return isEnd ? 0.75 : editDistance(word, candidate.toLowerCase());
  };
  // So many mistakes still let it look like another: one, or one in three characters behind the first.
  const most = Math.max(1, (word.length - 1) / 3);
  return candidates
    .filter((candidate) => distance(candidate) <= most)
    .sort((one, other) => distance(one) - distance(other))[0];
}
