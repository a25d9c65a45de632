import type { MongoClient, MongoClientOptions } from 'mongodb';
import type { Driver } from './driver.js';
import { unusable, type MongodbUrl } from './mongodb-url.js';

/**
 * Driver options, unless the connection string sets them. Write concern and read preference are not among them: the
 * guarantees rest on those, so the string cannot change them.
 *
 * Uploads are small and many: a pool of 20 serves hundreds of devices, and 100 processes stay within the limit of a small
 * cluster. It is an error, and clients are held back, if there is no primary for 10 seconds, a socket is silent for 60, or
 * the pool has no free connection for 20; without the last, callers would wait as long as a server hangs. Connections that
 * are idle for two minutes are closed before a firewall drops them. The driver retries once, for a failover; the caller
 * does all other retries.
 */
const defaults: MongoClientOptions = {
  appName: 'realm-ingest',
  maxPoolSize: 20,
  maxIdleTimeMS: 120_000,
  waitQueueTimeoutMS: 20_000,
  connectTimeoutMS: 10_000,
  serverSelectionTimeoutMS: 10_000,
  socketTimeoutMS: 60_000,
  retryWrites: true,
  retryReads: true,
};

/**
 * Creates a client; it connects with its first command.
 *
 * @param settings - override the defaults and the connection string
 * @throws InvalidOptionError for a connection string that the driver refuses
 */
export function openClient(
  driver: Driver,
  url: string,
  { options }: MongodbUrl,
  settings: MongoClientOptions = {},
): MongoClient {
  const unset = Object.entries(defaults).filter(([name]) => !options.has(name.toLowerCase()));
  try {
    return new driver.MongoClient(url, { ...Object.fromEntries(unset), ...settings });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The message may quote the string with its password.
    throw unusable(url, /[@"]|:\/\//u.test(message) ? '' : message);
  }
}
