import { setTimeout as delay } from 'node:timers/promises';
import type { StoreFault } from '../scenario.js';
import type { ServeSettings, ServerFigures } from './messages.js';
import type { ServerPool } from './server-pool.js';
import type { ServerProcess } from './server-process.js';

/** What a keeper tells the run whose server it is. */
export interface KeeperListener {
  /** A server listens on another port, or, undefined, there is none. */
  onMove(port: number | undefined): void;
  onStoreFault(fault: StoreFault): void;
  onLog(line: string): void;
  /** It ended, and nobody had killed it, or it does not come back. */
  onCrash(reason: string): void;
}

/** The server of one run, over its deaths: killed, frozen, stopped, and there again on the same store. */
export class ServerKeeper {
  readonly #pool: ServerPool;
  readonly #settings: ServeSettings;
  readonly #listener: KeeperListener;
  readonly #storeFaults: StoreFault[];
  readonly #figures: { filesAhead: number; duplicates: number } = { filesAhead: 0, duplicates: 0 };
  #process: ServerProcess | undefined;
  /** One thing after the other: a server that is coming up is killed once it is there. */
  #last: Promise<void> = Promise.resolve();

  constructor(pool: ServerPool, settings: ServeSettings, listener: KeeperListener) {
    this.#pool = pool;
    this.#settings = settings;
    this.#listener = listener;
    this.#storeFaults = [...settings.storeFaults];
  }

  /** Faults of the store that have not struck. */
  get storeFaultsLeft(): readonly StoreFault[] {
    return this.#storeFaults;
  }

  /** What the servers that were stopped in order have counted; killed ones take their figures with them. */
  get figures(): ServerFigures {
    return this.#figures;
  }

  async start(): Promise<void> {
    const server = await this.#pool.take();
    this.#process = server;
    server.listener = {
      onLog: (line) => {
        this.#listener.onLog(line);
      },
      onCrash: (reason) => {
        this.#listener.onCrash(reason);
      },
      onStoreFault: () => {
        const fault = this.#storeFaults.shift();
        if (fault !== undefined) this.#listener.onStoreFault(fault);
      },
    };
    const port = await server.serve({ ...this.#settings, storeFaults: this.#storeFaults });
    this.#listener.onMove(port);
  }

  /** SIGKILL. Resolves once it is dead; it comes back by itself. */
  kill(downMillis: number): Promise<void> {
    return this.#endBy(async (server) => {
      await server.kill();
    }, downMillis);
  }

  /** As on SIGTERM. Resolves once it has ended; it comes back by itself. */
  stop(downMillis: number): Promise<void> {
    return this.#endBy((server) => this.#stop(server), downMillis);
  }

  /** SIGSTOP, and SIGCONT after a while; resolves at once. */
  freeze(millis: number): Promise<void> {
    return new Promise((resolve) => {
      this.#enqueue(async () => {
        this.#process?.signal('SIGSTOP');
        resolve();
        await delay(millis);
        this.#process?.signal('SIGCONT');
      });
    });
  }

  /** Ends the server in order, once all that was asked before is done. */
  async end(): Promise<void> {
    await this.#last;
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined) return;
    if (server.isAlive) await this.#stop(server);
    this.#pool.giveBack(server);
  }

  /** The same, but without order: for a run that failed. */
  async abandon(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined) return;
    await server.kill();
    this.#pool.giveBack(server);
  }

  #endBy(how: (server: ServerProcess) => Promise<void>, downMillis: number): Promise<void> {
    return new Promise((resolve) => {
      this.#enqueue(async () => {
        const server = this.#process;
        this.#process = undefined;
        if (server !== undefined) {
          await how(server);
          this.#listener.onMove(undefined);
          this.#pool.giveBack(server);
        }
        resolve();
        await delay(downMillis);
        await this.start();
      });
    });
  }

  async #stop(server: ServerProcess): Promise<void> {
    const { filesAhead, duplicates } = await server.stop();
    this.#figures.filesAhead += filesAhead;
    this.#figures.duplicates += duplicates;
  }

  #enqueue(task: () => Promise<void>): void {
    this.#last = this.#last.then(task).catch((error: unknown) => {
      this.#listener.onCrash(String(error));
    });
  }
}
