import type { EventRecord } from '../events/events.ts';

/** From the most to the least serious; 'silent' is a threshold only. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

/** An event, or what a remark has beside its sentence. */
export type Fields =
  | EventRecord
  | (Readonly<Record<string, string | number | undefined>> & { event?: never });
