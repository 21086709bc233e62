import type { ByteString } from '../native/types.ts';

/** A program, as it was typed, and its arguments. */
export type Command = readonly [ByteString, ...ByteString[]];

export const SHELL = '/bin/sh' as ByteString;
