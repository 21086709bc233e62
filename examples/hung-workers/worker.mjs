// The worker: shells out, says that it is ready, and hangs.

import { spawn } from 'node:child_process';

// A pipeline in the background, and tee in the shell's place. A background command's standard input is /dev/null,
// hence descriptor 3: only this worker holds its other end, so end of file comes with the worker's death and not at a
// guessed time. tee then ends at once, which orphans the other two; they live a little longer.
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
