/**
 * process.getBuiltinModule is the youngest part of node that this package needs: its first versions are those of
 * "engines" in package.json.
 * @throws Error where it is missing
 */
export function refuseOldNode(): void {
  if (process.getBuiltinModule === undefined) {
    throw new Error(`node ${process.versions.node} is too old; use 20.16, 22.3 or newer`);
  }
}
