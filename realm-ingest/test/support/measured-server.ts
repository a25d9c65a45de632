/**
 * realm-ingest in its own process, so that its memory can be measured. `startMeasuredServer` forks this module.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { createIngestServer, openStore, type IngestServerOptions, type Store } from '../../src/index.js';
import { createDefaultLogger } from '../../src/server/default-logger.js';

export const measuredAppId = 'measured';

export interface MeasuredServerOptions extends Pick<
  IngestServerOptions,
  'maxInflightBytes' | 'maxMessageBytes'
> {
  readonly store: string;
  /** How long each commit takes longer than it would; they are made one after the other then. Default: not at all. */
  readonly commitMillis?: number;
}

/** Resident memory, bytes. */
export interface Memory {
  readonly rssBytes: number;
  /** Since the process began. */
  readonly maxRssBytes: number;
}

export interface MeasuredServer {
  readonly url: string;
  readonly metricsUrl: string;
  memory(): Promise<Memory>;
  kill(): Promise<void>;
}

type Message = { readonly url: string; readonly metricsUrl: string } | Memory;

/** Starts a server whose users log in anonymously. */
export async function startMeasuredServer(options: MeasuredServerOptions): Promise<MeasuredServer> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--import', 'tsx'],
  });
  const hear = async (): Promise<Message> => {
    const [message] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the server has ended'))),
    ])) as [Message];
    return message;
  };
  const started = await hear();
  if (!('url' in started)) throw new Error('the server did not start');
  return {
    ...started,
    async memory() {
      child.send('memory?');
      const message = await hear();
      if (!('rssBytes' in message)) throw new Error('the server did not answer');
      return message;
    },
    async kill() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** The store, slowed down. */
function slowedDown(store: Store, commitMillis: number): Store {
  let last: Promise<unknown> = Promise.resolve();
  const commit: Store['commit'] = (request) => {
    const mine = last.then(async () => {
      await delay(commitMillis);
      return store.commit(request);
    });
    last = mine.catch(() => undefined);
    return mine;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function serve({ store: url, commitMillis, ...limits }: MeasuredServerOptions): Promise<void> {
  const store = await openStore(url, { mode: 'serve' });
  const server = createIngestServer({
    appId: measuredAppId,
    store: commitMillis === undefined ? store : slowedDown(store, commitMillis),
    ...{ port: 0, metricsPort: 0, allowAnonymous: true, ...limits },
    logger: createDefaultLogger('silent'),
  });
  const say = (message: Message): void => {
    process.send?.(message);
  };
  process.on('message', () => {
    say({ rssBytes: process.memoryUsage.rss(), maxRssBytes: process.resourceUsage().maxRSS * 1024 });
  });
  process.on('disconnect', () => process.exit());
  const { url: listening, metricsUrl = '' } = await server.start();
  say({ url: listening, metricsUrl });
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve(JSON.parse(process.argv[2] ?? '{}') as MeasuredServerOptions);
}
