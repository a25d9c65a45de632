/**
 * realm-ingest in a process of its own, so that its memory is its own: started by `fork` with a store's URL, it says
 * where it listens, and how much memory it has taken at most each time it is asked.
 *
 * @module
 */
import { createIngestServer } from '../src/ingest/index.js';
import { createDefaultLogger } from '../src/ingest/server/default-logger.js';

/** What the process says. */
export type MeasuredServerMessage =
  { readonly url: string } | { readonly maxRssBytes: number; readonly rssBytes: number };

const server = createIngestServer({
  appId: 'bench',
  store: process.argv[2] ?? '',
  port: 0,
  allowAnonymous: true,
  logger: createDefaultLogger('error'),
});
const say = (message: MeasuredServerMessage): void => {
  process.send?.(message);
};
process.on('message', () => {
  say({ maxRssBytes: process.resourceUsage().maxRSS * 1024, rssBytes: process.memoryUsage.rss() });
});
process.on('disconnect', () => {
  void server.close();
});
void server.start().then(({ url }) => {
  say({ url });
});
