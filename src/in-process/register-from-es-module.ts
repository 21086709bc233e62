import { requireModule } from '../native/require.ts';

// An ES module that imports node:fs makes node load fs/promises and its streams as well: 2 ms that a CommonJS app need not
// pay. CommonJS does not, so both kinds of app load the same file.
requireModule('./register.cjs');
