declare const __filename: string;

/** The file that this code runs in. In an app bundled as CommonJS, import.meta has no filename. */
export function ownFile(): string {
  return import.meta.filename ?? __filename;
}

/**
 * Loads a module when it is needed. Loading node:module here, not with an import, saves 0.1 to 0.4 ms of every start.
 * @throws Error MODULE_NOT_FOUND
 */
export function requireModule(name: string): unknown {
  return process.getBuiltinModule('node:module').createRequire(ownFile())(name);
}
