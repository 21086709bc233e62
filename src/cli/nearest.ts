/** Levenshtein's distance: how many characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, character] of [...from].entries()) {
    const current = [row + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] as number) + (character === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[to.length] as number;
}

/** The candidate that looks most like what was typed. */
export function nearest(typed: string, candidates: readonly string[]): string {
  const distance = (candidate: string) => editDistance(typed.toLowerCase(), candidate.toLowerCase());
  return candidates.reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best));
}
