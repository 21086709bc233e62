import { openDestination } from '../log/destination.ts';
import { requireModule } from '../native/require.ts';
import type { Signal } from '../native/types.ts';
import type * as reports from './report.ts';
import type { Report } from './report.ts';

/**
 * Loads what --report needs, dist/report.cjs: a bundle of its own, for those that have no report.
 * @param file '-' for standard error
 */
export function openReport(file: string, nameOf: (signal: Signal) => string): Report {
  const { createReport, writeWhole } = requireModule('./report.cjs') as typeof reports;
  return createReport(file === '-' ? writeToStderr : (text) => writeWhole(file, text), nameOf);
}

function writeToStderr(text: string): void {
  if (!openDestination()(text)) throw Object.assign(new Error('nobody reads it'), { code: 'EAGAIN' });
}
