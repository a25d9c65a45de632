import { bundleServer, type Bundle } from './server-bundle.js';
import { ServerProcess } from './server-process.js';

/**
 * Processes that wait to serve: one that was killed is replaced at once, and one that was stopped in order serves the
 * next run, and the next, so that a leak shows.
 */
export class ServerPool {
  readonly #bundle: Bundle;
  readonly #spares: number;
  readonly #idle: ServerProcess[] = [];
  readonly #all = new Set<ServerProcess>();
  readonly #starting = new Set<Promise<void>>();

  private constructor(bundle: Bundle, spares: number) {
    this.#bundle = bundle;
    this.#spares = spares;
  }

  /** @param spares - how many processes are to be ready ahead of time */
  static async create(spares: number): Promise<ServerPool> {
    const pool = new ServerPool(await bundleServer(), spares);
    pool.#fill();
    await Promise.all(pool.#starting);
    return pool;
  }

  /** A process that is ready. If several are, the one that has served the most runs. */
  async take(): Promise<ServerProcess> {
    for (;;) {
      this.#idle.sort((one, other) => one.served - other.served);
      const process = this.#idle.pop();
      this.#fill();
      if (process?.isAlive === true) return process;
      if (process !== undefined) this.#all.delete(process);
      else await Promise.race(this.#starting);
    }
  }

  /** Takes back a process that serves nobody. */
  giveBack(process: ServerProcess): void {
    process.listener = undefined;
    if (process.isAlive) this.#idle.push(process);
    else this.#all.delete(process);
  }

  /** The process that has run most servers. */
  get oldest(): ServerProcess | undefined {
    return [...this.#all].filter(({ isAlive }) => isAlive).sort((one, other) => other.served - one.served)[0];
  }

  async close(): Promise<void> {
    await Promise.all(this.#starting);
    await Promise.all([...this.#all].map((process) => process.kill()));
    await this.#bundle.remove();
  }

  #fill(): void {
    while (this.#idle.length + this.#starting.size < this.#spares) {
      const starting = ServerProcess.start(this.#bundle.path).then((process) => {
        this.#starting.delete(starting);
        this.#all.add(process);
        this.#idle.push(process);
      });
      this.#starting.add(starting);
    }
  }
}
