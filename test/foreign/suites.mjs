// The suites of other packages: programs that start children, wait for them, and handle signals. test/foreign/package.json
// pins the packages; its lock file pins what they need, with checksums.

/**
 * @typedef {object} Suite
 * @property {string} name  of its package
 * @property {import('./debian.mjs').DebianSource} [source]  where its tests come from, if its package has none
 * @property {readonly (readonly string[])[]} runs  the arguments of node, in the package's folder. Each run writes TAP, the
 *   Test Anything Protocol
 */

const ava = ['../ava/entrypoints/cli.mjs', '--tap', '--concurrency=1', '--timeout=10m'];
const mocha = ['../mocha/bin/mocha.js', '--reporter=tap'];

/** @type {readonly Suite[]} */
export const suites = [
  {
    name: 'execa',
    source: {
      path: 'pool/main/n/node-execa/node-execa_8.0.1+dfsg1+~cs12.0.0.orig.tar.xz',
      sha256: 'd09d597625e1b056b23dc09ed371d36b014e6ee5fbd4bcfdf4a3521bb642f2bf',
    },
    runs: [ava],
  },
  {
    name: 'signal-exit',
    source: {
      path: 'pool/main/n/node-signal-exit/node-signal-exit_4.1.0.orig.tar.gz',
      sha256: 'c59a0e338ec6707d935bdd1568ea59483eb369a58949fbf7fbf6078e2f93e606',
    },
    runs: [
      ['test/all-integration-test.js'],
      ['test/fallback.js'],
      ['test/many-handlers.js'],
      ['test/multi-exit.js'],
      ['test/no-process.js'],
      ['test/signal-capture.js'],
      ['test/signal-exit-test.js'],
      ['test/signals.js'],
    ],
  },
  {
    name: 'foreground-child',
    source: {
      path: 'pool/main/n/node-foreground-child/node-foreground-child_3.1.1.orig.tar.gz',
      sha256: '1d2904219c3779fb2fa2d7993ed5862f477437a93436668c4bc453f2d05a622c',
    },
    runs: [
      ['test/basic.js'],
      ['test/change-exit.js'],
      ['test/immortal-child.js'],
      ['test/normalize-fg-args.js'],
    ],
  },
  { name: 'concurrently', runs: [mocha] },
  { name: 'node-cleanup', runs: [['tests/single.js'], ['tests/multiple.js'], ['tests/nocleanup.js']] },
  { name: 'respawn', runs: [['test/index.js']] },
  { name: 'throng', runs: [mocha] },
  { name: 'worker-farm', runs: [['tests/index.js']] },
];
