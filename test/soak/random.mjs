/**
 * mulberry32: the same seed gives the same choices.
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = seed >>> 0;
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  /** A whole number from `low` to `high`, both included. */
  const between = (low, high) => low + Math.floor(next() * (high - low + 1));
  return {
    between,
    /** As likely between 1,000 and 2,000 as between 10,000 and 20,000. */
    betweenByMagnitude: (low, high) => Math.round(low * (high / low) ** next()),
    pick: (list) => list[between(0, list.length - 1)],
  };
}
