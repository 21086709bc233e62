/** How much of everything a full run does; some fifteen minutes on two cores. */
export const full = {
  rounds: 40,
  pm2: { rounds: 3, limitMs: 20_000 },
  bursts: [
    { count: 100, rounds: 20 },
    { count: 1000, rounds: 20 },
    { count: 5000, rounds: 10 },
    { count: 20_000, rounds: 8 },
  ],
  storm: { rate: 1000, seconds: 4, rounds: 3 },
  signals: { count: 2000, rounds: 10, idleMs: 3000, idleRounds: 3 },
  memory: { rounds: 3, settleMs: 3000 },
  idle: { settleMs: 4000, windowMs: 20_000, straceMs: 20_000 },
  inProcess: { rounds: 200, memoryRounds: 7, settleMs: 1500 },
  growth: { counts: [1000, 3000, 10_000], rounds: 5 },
  crowd: { count: 10_000, rounds: 5, signals: 1000, burst: 1000, strangers: [0, 3000, 30_000] },
};

/** Every measurement in a small form: what it says about times is not much. */
export const quick = {
  rounds: 4,
  pm2: { rounds: 1, limitMs: 3000 },
  bursts: [
    { count: 100, rounds: 3 },
    { count: 1000, rounds: 3 },
    { count: 5000, rounds: 1, isReapersOnly: true },
    { count: 20_000, rounds: 1, isReapersOnly: true },
  ],
  storm: { rate: 500, seconds: 1, rounds: 1 },
  signals: { count: 200, rounds: 2, idleMs: 500, idleRounds: 1 },
  memory: { rounds: 1, settleMs: 1500 },
  idle: { settleMs: 1000, windowMs: 2000, straceMs: 2000 },
  inProcess: { rounds: 3, memoryRounds: 1, settleMs: 500 },
  growth: { counts: [300, 1000], rounds: 1 },
  crowd: { count: 1000, rounds: 1, signals: 100, burst: 100, strangers: [0, 3000] },
};
