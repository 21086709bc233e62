/** A process chooses its name, in any bytes: those of /proc are one character each. */
export function printableName(name: string): string {
  return printable(Buffer.from(name, 'latin1').toString('utf8'));
}

/** A terminal must not obey it. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
