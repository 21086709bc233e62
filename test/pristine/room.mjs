// A room of its own for what runs in a root folder: mount, PID and cgroup namespaces, which end with it.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';

const pid1 = resolve(import.meta.dirname, 'room.sh');
export const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs a shell script in a root folder that it may write to, above one that stays as it is.
 * @param {object} room
 * @param {string} room.debian  the root folder
 * @param {string} room.changes  a folder for what is written; the root folder is below it, in `root`
 * @param {number} room.user  whose id the script has; but for root, nobody may make user namespaces
 * @param {Readonly<Record<string, string>>} room.env
 * @param {string} script
 * @param {string} log  where its output is appended
 * @param {AbortSignal} signal  ends it at once
 * @returns {Promise<number>} its exit status; 1 if a signal ended it
 */
export function runInRoom({ debian, changes, user, env }, script, log, signal) {
  const output = openSync(log, 'a');
  const namespaces = ['--mount', '--pid', '--cgroup', '--ipc', '--fork', '--kill-child=KILL'];
  const child = spawn(
    'setpriv',
    // Whatever ends this process ends unshare, and so all of the room.
    ['--pdeathsig', 'KILL', 'unshare', ...namespaces, 'sh', pid1, debian, changes, String(user), script],
    // In a session of its own it has no terminal, and no Ctrl-C.
    {
      env: { PATH: path, ...env },
      stdio: ['ignore', output, output],
      detached: true,
      signal,
      killSignal: 'SIGKILL',
    },
  );
  closeSync(output);
  return new Promise((done, fail) => {
    child.on('error', (error) => (error.name === 'AbortError' ? undefined : fail(error)));
    child.on('close', (code) => done(code ?? 1));
  });
}
