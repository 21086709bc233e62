// proc.mjs is JavaScript because node 20 runs the benchmarks and examples without a build.
export * from './proc.mjs';
