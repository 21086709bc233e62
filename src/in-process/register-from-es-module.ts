import { requireModule } from '../native/require.ts';
import { refuseOldNode } from '../native/supported-node.ts';
import { orExit } from './or-exit.ts';

// An ES module that imports node:fs makes node load fs/promises and its streams as well: 2 ms that a CommonJS app need not
// pay. CommonJS does not, so both kinds of app load the same file. Bundlers, which cannot follow this, get an ES module.
orExit(() => {
  refuseOldNode();
  requireModule('./register.cjs');
});
