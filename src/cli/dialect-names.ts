/** The programs whose command line subreaper understands. */
export const dialectNames = ['tini', 'dumb-init', 'catatonit', 'docker-init'] as const;
export type DialectName = (typeof dialectNames)[number];

/** @param name the base name that init was called by */
export function dialectCalled(name: string): DialectName | undefined {
  return name === 'tini-static' ? 'tini' : dialectNames.find((dialect) => dialect === name);
}
