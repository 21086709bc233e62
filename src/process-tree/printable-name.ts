/** A process chooses its name, in any bytes: those of /proc are one character each. */
export function printableName(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8').replace(/\p{C}/gu, '?');
}
