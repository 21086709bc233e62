import { createRandom } from '../soak/random.mjs';

/** The same sample each time, unless another one is asked for. */
export const seed = Number(process.env['FAULTS_SEED'] ?? 15);

/** Some of the items, chosen by the seed. */
export function sample<Item>(items: readonly Item[], count: number): Item[] {
  const { between } = createRandom(seed);
  const left = [...items];
  const chosen: Item[] = [];
  while (chosen.length < count && left.length > 0) {
    chosen.push(...left.splice(between(0, left.length - 1), 1));
  }
  return chosen;
}
