import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from './paths.mjs';

const helpers = ['launch', 'stamp', 'burst', 'storm', 'latency', 'sleepers'];

/** @returns by name, the path of every C helper, compiled; static, so that a start is the kernel's work and no linker's */
export function compileHelpers() {
  return Object.fromEntries(
    helpers.map((name) => {
      const program = resolve(build, name);
      const source = resolve(import.meta.dirname, 'helpers', `${name}.c`);
      try {
        execFileSync('cc', ['-O2', '-static', '-o', program, source], { stdio: 'pipe' });
      } catch {
        // A system without a static libc.
        execFileSync('cc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'inherit'] });
      }
      return [name, program];
    }),
  );
}
