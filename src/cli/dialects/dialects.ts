import { catatonit } from './catatonit.ts';
import type { Dialect } from './dialect.ts';
import { dumbInit } from './dumb-init.ts';
import { tini } from './tini.ts';

export type { Dialect, Reading } from './dialect.ts';

/** By the name of --dialect. Docker's own init is tini. */
export const dialects: Readonly<Record<string, Dialect>> = {
  tini,
  'dumb-init': dumbInit,
  catatonit,
  'docker-init': tini,
};
