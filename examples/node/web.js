// A web process as psctl wants it: it listens on PORT, says when it is healthy, and ends without losing a request.

const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const release = readFileSync('release.txt', 'utf8').trim();
const replica = process.env.DYNO ?? 'web.0';
let stopping = false;

const server = createServer((request, response) => {
  // Tells a client that kept its connection to come back on another one.
  if (stopping) response.setHeader('Connection', 'close');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  const page = () => response.end(`Hello from node\nreplica: ${replica}\nrelease: ${release}\n`);
  if (request.url === '/health') response.end('ok\n');
  else if (request.url === '/slow') setTimeout(page, 2000);
  else request.resume().on('end', page);
});

server.listen(Number(process.env.PORT ?? 5000), () => {
  console.log(`${replica} of release ${release} listens on port ${server.address().port}`);
});

// Takes no new connection, and answers the requests that are under way.
function stop() {
  stopping = true;
  server.close(() => console.log(`${replica} answered its last request`));
  server.closeIdleConnections();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
