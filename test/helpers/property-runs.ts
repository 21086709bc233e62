import { isWhole } from './whole.ts';

/** How many random inputs each property gets. */
export const propertyRuns = { numRuns: isWhole ? 100_000 : 1000 };
