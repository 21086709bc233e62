/** Whether to try all cases: ALL=1. Otherwise tests that have too many of them for every day try a sample. */
export const isWhole = process.env['ALL'] === '1';
