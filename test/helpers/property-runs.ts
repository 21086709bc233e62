/** 100,000 inputs for each property with `npm run test:properties` and `npm run test:faults`; 1,000 every day. */
export const propertyRuns = { numRuns: process.env['FAULTS'] === 'all' ? 100_000 : 1000 };
