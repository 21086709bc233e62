import type { ByteString } from './types.ts';

/** The value of the first entry with this name, as in getenv(3). */
export function variable(environ: readonly ByteString[], name: string): ByteString | undefined {
  const prefix = `${name}=`;
  return environ.find((entry) => entry.startsWith(prefix))?.slice(prefix.length) as ByteString | undefined;
}

/** Bytes as text, for a message or an option's value. */
export function fromBytes(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString();
}

export function toBytes(text: string): ByteString {
  return Buffer.from(text).toString('latin1') as ByteString;
}
