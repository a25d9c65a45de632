import { engineName, shutDown } from './instrumentation.mjs';

/**
 * Listens on a free port and reports the port and the Realm engine to the parent process. When the parent says so, closes and
 * reports what was recorded.
 *
 * @param app - an express app
 */
export function serve(app) {
  const server = app.listen(0, '127.0.0.1', () => {
    process.send({ engineName, url: `http://127.0.0.1:${server.address().port}` });
  });
  process.once('message', async () => {
    server.close();
    server.closeAllConnections();
    process.send({ recorded: await shutDown() }, () => process.exit());
  });
  process.once('disconnect', () => process.exit(1)); // the parent is gone
}
