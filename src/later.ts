import { createRequire } from 'node:module';

/**
 * What no start needs before its workload runs: dist/later.cjs, which build.mjs makes of the modules that are asked for
 * here. Compiling it takes longer than all that init has to do until then.
 * @typeParam Module the one that is wanted
 */
export function later<Module>(): Module {
  return createRequire(import.meta.filename)('./later.cjs') as Module;
}
