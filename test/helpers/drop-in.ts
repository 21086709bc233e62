import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { launcher } from './environment.ts';

/** The programs that subreaper is when it is called by their names. */
const programs = ['tini', 'dumb-init', 'catatonit', 'docker-init'] as const;
export type Program = (typeof programs)[number];

const realPath = process.env['PATH'] as string;

/** What a program is found in: a PATH. */
export interface Subject {
  readonly name: string;
  readonly path: string;
}

const links = mkdtempSync(join(tmpdir(), 'subreaper-links-'));
for (const program of [...programs, 'tini-static']) symlinkSync(launcher, join(links, program));
process.once('exit', () => rmSync(links, { recursive: true, force: true }));

const real: Subject = { name: 'the real program', path: realPath };
export const subreaper: Subject = { name: 'subreaper', path: `${links}:${realPath}` };

/** What there is of a program here: the real one if it is installed, and subreaper. */
export function subjectsOf(program: Program): readonly Subject[] {
  const isInstalled = spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined;
  return isInstalled ? [real, subreaper] : [subreaper];
}

/** Tests that run a program and subreaper under its name; without the program, subreaper alone. */
export function describePrograms(
  names: readonly Program[],
  tests: (program: Program, subjects: readonly Subject[]) => void,
): void {
  for (const program of names) {
    const subjects = subjectsOf(program);
    const name = subjects.includes(real) ? program : `${program} (not compared: it is not installed)`;
    describe(name, () => tests(program, subjects));
  }
}

/** The lines of a program without what differs from run to run, and without the mark of subreaper, in order. */
export function comparable(text: string): string[] {
  return (
    text
      .replaceAll(/ - subreaper \d+\.\d+\.\d+/g, '')
      // musl writes the first line of a child at once; posix_spawn(3) runs nothing in it that could write.
      .replaceAll(/\[DEBUG tini \(\d+\)\] tcsetpgrp failed[^\n]*\n/g, '')
      // Where to find each program's source and where to report its bugs.
      .replaceAll(/\n(This is subreaper|The source code|For bug reporting)[^\n]*/g, '')
      .replaceAll(/(tini \(|catatonit:|[Pp][Ii][Dd]:?[ =]'?)\d+/g, '$1N')
      .split('\n')
      .sort()
  );
}
