import { requireModule } from '../native/require.ts';
import type { Signal } from '../native/types.ts';
import type * as traces from './trace.ts';
import type { Trace } from './trace.ts';

/** Loads what --trace needs, dist/trace.cjs: a bundle of its own, for those that have no trace. */
export function openTrace(file: string, nameOf: (signal: Signal) => string): Trace {
  const { createTrace, writeWhole } = requireModule('./trace.cjs') as typeof traces;
  return createTrace((text) => writeWhole(file, text), nameOf);
}
