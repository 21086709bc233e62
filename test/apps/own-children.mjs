// Starts children in every way that node knows, with orphans beside them, and reports each child whose exit status was
// wrong. Its last line is JSON. Usage: own-children.mjs ROUNDS
import { exec, execFile, execSync, fork, spawn, spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { execa } from 'execa';
import { register } from 'subreaper';

// From PATH, because fork and node:cluster must start an emulated node through its emulator.
process.execPath = 'node';

if (cluster.isWorker) process.exit(Number(process.env['CODE']));
if (process.argv[2] === 'forked') process.exit(Number(process.argv[3]));

const ROUNDS = Number(process.argv.at(-1));
const registration = register();
const wrong = [];
let checked = 0;
let orphans = 0;

function check(what, actual, expected) {
  checked++;
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    wrong.push(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
  }
}

/** A command that leaves an orphan behind and exits with the code. */
function leaving(code) {
  orphans++;
  return `(sleep 0.0${code % 10} &) ; exit ${code}`;
}

const exitOf = async (child) => await once(child, 'exit');

const ways = {
  async spawn(code) {
    check('spawn', await exitOf(spawn('sh', ['-c', leaving(code)])), [code, null]);
  },
  async signal() {
    const child = spawn('sleep', ['60']);
    child.kill('SIGKILL');
    check('signal', await exitOf(child), [null, 'SIGKILL']);
  },
  async exec(code) {
    const error = await new Promise((done) => exec(leaving(code), done));
    check('exec', error?.code ?? 0, code);
  },
  async execFile(code) {
    const error = await new Promise((done) => execFile('sh', ['-c', leaving(code)], done));
    check('execFile', error?.code ?? 0, code);
  },
  async fork(code) {
    check('fork', await exitOf(fork(import.meta.filename, ['forked', code], { execArgv: [] })), [code, null]);
  },
  spawnSync(code) {
    check('spawnSync', spawnSync('sh', ['-c', leaving(code)]).status, code);
  },
  execSync(code) {
    let status = 0;
    try {
      execSync(leaving(code), { stdio: 'ignore' });
    } catch (error) {
      status = error.status;
    }
    check('execSync', status, code);
  },
  async detached(code) {
    const child = spawn('sh', ['-c', leaving(code)], { detached: true, stdio: 'ignore' });
    child.unref();
    check('detached', await exitOf(child), [code, null]);
  },
  async execa(code) {
    const { exitCode } = await execa('sh', ['-c', leaving(code)], { reject: false });
    check('execa', exitCode, code);
  },
  async missing() {
    const [error] = await once(spawn('/no/such/program'), 'error');
    check('missing', error.code, 'ENOENT');
  },
};

/** Its children end before it does, and it reports the exit code of each. */
const workerSource = `
  const { spawn } = require('node:child_process');
  const { parentPort } = require('node:worker_threads');
  for (let code = 0; code < ${ROUNDS}; code++) {
    spawn('sh', ['-c', '(sleep 0.01 &) ; exit ' + code]).on('exit', (got, signal) => parentPort.postMessage([code, got, signal]));
  }
`;

async function fromWorkerThread() {
  orphans += ROUNDS;
  const worker = new Worker(workerSource, { eval: true });
  worker.on('message', ([code, got, signal]) => check('worker thread', [got, signal], [code, null]));
  await once(worker, 'exit');
}

async function fromCluster() {
  cluster.setupPrimary({ exec: import.meta.filename });
  await Promise.all(
    [3, 4, 5].map(async (code) => check('cluster', await exitOf(cluster.fork({ CODE: code })), [code, null])),
  );
}

const work = [fromWorkerThread(), fromWorkerThread(), fromCluster()];
for (let round = 0; round < ROUNDS; round++) {
  for (const start of Object.values(ways)) work.push(start(round));
  // Give the loop a turn: otherwise the synchronous ones hold back all others until the end.
  await new Promise((turn) => setImmediate(turn));
}
await Promise.all(work);
// If one orphan is missing, the test runs into its time limit.
while (registration.reaped < orphans) await new Promise((wake) => setTimeout(wake, 10));
console.log(JSON.stringify({ checked, wrong, orphans, reaped: registration.reaped }));
// Stay, so that the test can count the zombies.
process.stdin.resume();
