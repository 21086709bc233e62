// In JavaScript for the benchmarks and the examples, which node 20 runs as they are.
export * from './proc.mjs';
