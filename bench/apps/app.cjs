const firstLineAt = Number(process.hrtime.bigint()) / 1e6;
// A small app. Usage: app.cjs OUT [once|stay]
// Writes to OUT when its first line ran, in ms of CLOCK_MONOTONIC. With a second argument it is a small service: it writes
// once it listens, and then ends or stays.
const { writeFileSync } = require('node:fs');

const [out, service] = process.argv.slice(2);
const write = () => writeFileSync(out, `${firstLineAt}`);
if (service === undefined) {
  write();
} else {
  const { createServer } = require('node:http');
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
    write();
    if (service === 'once') server.close();
  });
}
