import { requireModule } from '../native/require.ts';

/** signal-exit calls back for process.exit and for every signal that ends the process. Loaded only when it is needed. */
export function onExit(callback: () => void): () => void {
  return (requireModule('signal-exit') as typeof import('signal-exit')).onExit(callback);
}
