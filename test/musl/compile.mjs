import { execFileSync } from 'node:child_process';

/** The kernel's headers, which musl has not. */
export const kernelHeaders = ['-idirafter', '/usr/include', '-idirafter', '/usr/include/x86_64-linux-gnu'];

/** Compiles a program in C for musl. */
export function compileForMusl(source, program) {
  const args = ['-O2', '-pthread', ...kernelHeaders, '-o', program, source];
  execFileSync('musl-gcc', args, { stdio: 'inherit' });
}
