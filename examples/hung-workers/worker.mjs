// The worker: shells out, says that it is ready, and hangs.

import { spawn } from 'node:child_process';

// In the shell's place; in the background of it a pipeline of two. A background command's standard input is
// /dev/null, hence descriptor 3: only this worker holds its other end, so end of file comes with the worker's death
// and not at a guessed time. tee ends at once and leaves the other two without a parent; they live a little longer.
const script = `
{ read -r _ <&3; exec sleep 0.3; } | gzip > /dev/null &
exec tee /dev/null <&3
`;

/** What the script amounts to once each command runs, sorted. The sh is the one that reads and becomes sleep. */
export const shelledOut = ['gzip', 'sh', 'tee'];

export function work() {
  process.title = 'node worker';
  spawn('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  process.send('ready', hang);
}

/** From here on SIGKILL alone ends the worker: the event loop that would run a handler does not turn. */
function hang() {
  for (;;);
}
