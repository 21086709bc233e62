const time = process.hrtime.bigint();
// Writes when its first line ran to the FIFO that it is given; process.hrtime() reads CLOCK_MONOTONIC.
const fs = require('node:fs');
fs.writeSync(fs.openSync(process.argv[2], 'w'), `${time}\n`);
