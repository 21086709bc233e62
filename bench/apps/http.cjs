// A small service. Usage: http.cjs [OUT]    makes OUT once it listens and stays, or ends then
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');

const [out] = process.argv.slice(2);
const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
  if (out) writeFileSync(out, '');
  else server.close();
});
