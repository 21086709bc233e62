import type { ByteString } from '../native/types.ts';

/** A program as the user wrote it, and its arguments. */
export type Command = readonly [ByteString, ...ByteString[]];

export const SHELL = '/bin/sh' as ByteString;
