// The app below every starter. It writes to $APP_LOG, or else to its standard output, when it is ready, each stop signal
// that it gets, and the end of its drain, which takes $APP_DRAIN_MS. $APP_LISTENS is 'once' or 'on'.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { APP_LOG: log = 1, APP_LISTENS: listens = 'on', APP_DRAIN_MS: drainMs = '0' } = process.env;
const write = (...words) => appendFileSync(log, `app ${Date.now()} ${words.join(' ')}\n`);

let isStopping = false;
for (const signal of ['SIGTERM', 'SIGINT']) {
  process[listens](signal, () => {
    write(signal);
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => {
      write('drained');
      process.exit();
    }, Number(drainMs));
  });
}
createServer().listen(0, '127.0.0.1', () => write('ready', process.pid));
