import type { StoreKind } from './describe-stores.js';
import { closeDevices } from './device.js';
import { Network } from './network.js';
import type { Scratch } from './scratch.js';

/** A site's server, in this process or in its own. */
export interface SiteServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A store, a server on it, and the network by which clients reach it; all of them fresh for each test. */
export interface Site<Server extends SiteServer, Settings> {
  readonly scratch: Scratch;
  /** URL of the store. */
  readonly store: string;
  readonly network: Network;
  /** The server that was started last. */
  readonly server: Server;
  /** Ends the server; the network refuses everybody until `restart`. */
  stop(): Promise<void>;
  /** Ends the server, unless it has ended, and leads the network to a new one on the same store. */
  restart(settings?: Settings): Promise<void>;
  /** As after a disaster: the server is gone with its store, and a new one stands on an empty store. */
  loseStore(): Promise<void>;
}

/**
 * A site for each test of the suite that calls this. Its end comes after the hooks that the suite has registered
 * before, and closes the devices.
 *
 * @param start - starts a server on a store
 */
export function useSite<Server extends SiteServer, Settings = never>(
  kind: StoreKind,
  start: (store: string, settings?: Settings) => Promise<Server>,
): Site<Server, Settings> {
  let scratch: Scratch;
  let network: Network;
  let server: Server | undefined;

  const startServer = async (settings?: Settings): Promise<void> => {
    server = await start(scratch.store, settings);
    network.connectTo(server.url);
  };
  const closeServer = async (): Promise<void> => {
    await server?.close();
    server = undefined;
  };

  beforeEach(async () => {
    scratch = await kind.createScratch();
    network = await Network.create();
    await startServer();
  });

  afterEach(async () => {
    closeDevices();
    await closeServer();
    await network.close();
    await scratch.remove();
  });

  return {
    get scratch() {
      return scratch;
    },
    get store() {
      return scratch.store;
    },
    get network() {
      return network;
    },
    get server() {
      if (server === undefined) throw new Error('no server was started');
      return server;
    },
    async stop() {
      network.cut();
      await closeServer();
    },
    async restart(settings) {
      await closeServer();
      await startServer(settings);
    },
    async loseStore() {
      network.cut();
      await closeServer();
      await scratch.remove();
      scratch = await kind.createScratch();
      await startServer();
    },
  };
}
