const firstLineAt = Number(process.hrtime.bigint()) / 1e6;

// app.cjs as an ECMAScript module. Usage: app.mjs OUT once|stay
import { writeFileSync } from 'node:fs';

const [out, service] = process.argv.slice(2);
const { createServer } = await import('node:http');
const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
  writeFileSync(out, `${firstLineAt}`);
  if (service === 'once') server.close();
});
