declare const __filename: string;

/** The file that this code runs in. An app that is bundled as CommonJS has an import.meta without it. */
export const ownFile: string = import.meta.filename ?? __filename;

/**
 * Loads a module when it is needed. Asking for node:module here, and not with an import, spares every start 0.1 to 0.4 ms.
 * @throws Error MODULE_NOT_FOUND
 */
export function requireModule(name: string): unknown {
  return process.getBuiltinModule('node:module').createRequire(ownFile)(name);
}
