/**
 * An HTTP server in its own process that accepts OTLP, drops it and counts its bytes. `measure-exporters.ts` forks it.
 *
 * @module
 */
import { createServer } from 'node:http';

let bytes = 0;

const server = createServer((request, response) => {
  request.on('data', (chunk) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/json' });
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send({ url: `http://127.0.0.1:${server.address().port}/` });
});
process.on('message', () => {
  process.send({ bytes });
  bytes = 0;
});
process.once('disconnect', () => process.exit());
