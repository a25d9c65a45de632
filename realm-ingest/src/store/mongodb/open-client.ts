import type { MongoClient, MongoClientOptions } from 'mongodb';
import type { Driver } from './driver.js';
import { unusable, type MongodbUrl } from './mongodb-url.js';

/**
 * What the driver is told where the connection string does not say otherwise. What the promises rest on (write concern,
 * read preference) is not among it: that stands whatever the string says.
 *
 * Uploads are small and many: a pool of 20 serves hundreds of devices, and 100 processes still stay within what a small
 * cluster admits. A primary that does not answer within 10 seconds, a socket that is silent for 60, a pool without a free
 * connection for 20 is an error, and clients are held back; without the last, whoever asks for a connection would wait
 * behind a server that hangs for as long as it does. Connections that nobody has used for two minutes are closed, before
 * a firewall forgets them. Retries of the driver's own are one at most, for a failover; all others are the caller's, who
 * may send everything again.
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
 * Makes a client; it connects with its first command.
 *
 * @param settings - stand over defaults and connection string
 * @throws InvalidOptionError for a connection string that the driver refuses
 */
export function openClient(
  driver: Driver,
  url: string,
  { options }: MongodbUrl,
  settings: MongoClientOptions = {},
): MongoClient {
  const unsaid = Object.entries(defaults).filter(([name]) => !options.has(name.toLowerCase()));
  try {
    return new driver.MongoClient(url, { ...Object.fromEntries(unsaid), ...settings });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It may quote the string, password and all.
    throw unusable(url, /[@"]|:\/\//u.test(message) ? '' : message);
  }
}
