// Starts children in each asynchronous way that node has, a few at a time, and prints how many 'exit' and 'close' events they
// had, as JSON, once node has nothing left to wait for. Some leave an orphan that holds their output open.
// Usage: node events-app.mjs CHILDREN
import { exec, execFile, fork, spawn } from 'node:child_process';
import { actor } from '../soak/paths.mjs';

const MOST_IN_FLIGHT = 64;
/** One in this many is a node, with an IPC channel. */
const FORK_EVERY = 100;
/** One in this many leaves an orphan. As PID 1, a bare node keeps all of them as zombies. */
const ORPHAN_EVERY = 10;
const SIGKILL = 9;

const starters = [
  (args) => spawn(actor, args),
  (args) => spawn(actor, args, { stdio: 'ignore' }),
  (args) => execFile(actor, args),
  // With exec, because a shell as the actor's parent would hide a signal.
  (args) => exec(`exec '${actor}' ${args.join(' ')}`),
];

const count = Number(process.argv[2]);
const children = [];
let inFlight = 0;
startMore();
process.once('beforeExit', () => {
  const among = (holds) => children.filter(holds).length;
  console.log(
    JSON.stringify({
      exit: among(({ exits }) => exits > 0),
      close: among(({ closes }) => closes > 0),
      exitWithoutClose: among(({ exits, closes }) => exits > 0 && closes === 0),
      closeWithoutExit: among(({ exits, closes }) => exits === 0 && closes > 0),
      repeated: among(({ exits, closes }) => exits > 1 || closes > 1),
    }),
  );
});

function startMore() {
  for (; inFlight < MOST_IN_FLIGHT && children.length < count; inFlight++) start(children.length);
}

function start(index) {
  const events = { exits: 0, closes: 0 };
  children.push(events);
  const orphans = index % ORPHAN_EVERY === 0 ? 1 : 0;
  const status = index % 5 === 4 ? -SIGKILL : index % 90;
  const child =
    index % FORK_EVERY === FORK_EVERY - 1
      ? fork(new URL('../soak/in-process/forked.mjs', import.meta.url).pathname, ['3'], { execArgv: [] })
      : starters[index % starters.length](['parent', `${orphans}`, `${index % 8}`, `${status}`]);
  child.on('exit', () => events.exits++);
  child.on('close', () => {
    events.closes++;
    inFlight--;
    startMore();
  });
}
