// SIGKILLs a runner that has started Chromium directly, and one that has started it through subreaper.
// Usage: node examples/bound-browser/demo.mjs [--json]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conclude, killOwners } from '../../test/helpers/killed-owners.mjs';

process.chdir(new URL('../..', import.meta.url).pathname);
const folder = mkdtempSync(join(tmpdir(), 'browser-'));
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const runner = (executable, profile) => [
  ...['node', 'examples/bound-browser/runner.mjs', executable],
  join(folder, profile),
];
try {
  conclude(
    await killOwners(
      [
        { name: 'Chromium alone', line: runner(chromium, '1'), isBound: false },
        {
          name: 'Chromium below subreaper',
          line: runner('examples/bound-browser/chromium', '2'),
          isBound: true,
        },
      ],
      // Where else a killed browser leaves something.
      { ...process.env, HOME: folder, TMPDIR: folder },
    ),
  );
} finally {
  rmSync(folder, { recursive: true, maxRetries: 5 });
}
