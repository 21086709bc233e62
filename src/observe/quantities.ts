/** "2 s", "0.4 s", "300 ms". */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** "64 MiB", "1.5 GiB". */
export function size(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  for (; amount >= 1024 && unit < units.length - 1; unit++) amount /= 1024;
  return `${Number(amount.toFixed(1))} ${units[unit]}`;
}
