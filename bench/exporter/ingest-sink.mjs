/**
 * realm-ingest in its own process, on a SQLite store. Reports the bytes of upload bodies as they came over the wire.
 *
 * @module
 */
import { createIngestServer } from 'realm-ingest';

const server = createIngestServer({
  appId: 'bench',
  store: `sqlite:${process.argv[2]}`,
  port: 0,
  allowAnonymous: true,
});
const { url } = await server.start();
process.send({ url });
let reported = 0;
process.on('message', () => {
  const { uploadWireBytes } = server.counters.sync;
  process.send({ bytes: uploadWireBytes - reported });
  reported = uploadWireBytes;
});
process.once('disconnect', () => process.exit());
