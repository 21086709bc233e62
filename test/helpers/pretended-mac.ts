import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { buildFolder } from './environment.ts';

const ownKoffi = createRequire(import.meta.url).resolve('koffi');

/**
 * Commands for a PATH in which node takes this system for macOS: its name, and ps(1), which has another option there, and
 * hides the environment of the system's own programs. koffi is the one of this system.
 */
const commandsWith = (koffi: string): Readonly<Record<string, string>> => ({
  'pretend.cjs': `require(${JSON.stringify(koffi)});
Object.defineProperty(process, 'platform', { value: 'darwin' });
process.execPath = __dirname + '/node';
`,
  node: `#!/bin/sh
exec ${process.execPath} --require "\${0%/*}/pretend.cjs" "$@"
`,
  ps: `#!/bin/sh
[ "$1" = -AEww ] && { shift; set -- axeww "$@"; }
all=$(${spawnSync('sh', ['-c', 'command -v ps'], { encoding: 'utf8' }).stdout.trim()} "$@") || exit
printf '%s\\n' "$all" | awk '
  $9 ~ /(^|\\/)(sh|dash|bash|sleep|setsid|env|busybox|unshare)$/ { sub(/ [A-Za-z_][A-Za-z_0-9]*=.*/, "") }
  { print }'
`,
});

/** @returns the folder of these commands, which is in another one */
export function pretendedMac(above = buildFolder, koffi = ownKoffi): string {
  const commands = commandsWith(koffi);
  const version = createHash('sha256').update(JSON.stringify(commands)).digest('hex').slice(0, 8);
  const folder = resolve(above, `pretended-mac-${version}`);
  mkdirSync(above, { recursive: true });
  // It appears whole: files of tests run at once.
  const unfinished = mkdtempSync(`${folder}-`);
  for (const [name, text] of Object.entries(commands))
    writeFileSync(resolve(unfinished, name), text, { mode: 0o755 });
  chmodSync(unfinished, 0o755);
  try {
    renameSync(unfinished, folder);
  } catch {
    // Another one was faster.
    rmSync(unfinished, { recursive: true });
  }
  return folder;
}
