import type { MongoClient } from 'mongodb';
import { settlesWithin } from '../../time/settles-within.js';
import { StoreError } from '../store-error.js';
import type { CommandKind, CommandTiming } from './command-timing.js';
import { ServerWatch } from './server-watch.js';

/** How long a client may take to close; the driver may wait for an answer that never comes. */
const closeMillis = 1000;

interface RunningCommand {
  readonly kind: CommandKind;
  /** Rejects it, and takes it from the driver. */
  giveUp(reason: string): void;
}

/**
 * The commands of one client, each under a deadline that holds whatever the driver does.
 *
 * The driver (6 and 7) can wait for ever: a command that it writes to a socket which is destroyed, and has not emitted
 * `close` yet, waits for a `drain` that never comes (`Connection.writeCommand`). No timeout of the driver's ends that, and
 * neither does the closing of its client.
 */
export class ClientCommands {
  readonly client: MongoClient;
  readonly #databaseName: string;
  readonly #timing: CommandTiming;
  readonly #running = new Set<RunningCommand>();
  /** Those that were under way when their server was lost. */
  readonly #cutOff = new Set<RunningCommand>();

  /** @param client - it is closed here */
  constructor(client: MongoClient, databaseName: string, timing: CommandTiming) {
    this.client = client;
    this.#databaseName = databaseName;
    this.#timing = timing;
    new ServerWatch(
      client,
      () => {
        // The server goes on with a build whose connection still stands, and only its answer tells of one that does not.
        for (const command of this.#running) if (command.kind !== 'build') this.#cutOff.add(command);
      },
      () => {
        this.#giveUpAfterGrace();
      },
    );
  }

  /**
   * Runs one command.
   *
   * @param what - for errors, as in `insert into Span`
   * @param operation - hands the signal on to the driver, which then lets go of the connection, too
   * @param controller - of that signal, where several commands share one
   * @throws StoreError `store-unavailable` where no answer came in time; else what the driver throws
   */
  run<T>(
    kind: CommandKind,
    what: string,
    operation: (signal: AbortSignal) => Promise<T>,
    controller = new AbortController(),
  ): Promise<T> {
    const millis = this.#timing[`${kind}Millis`];
    return new Promise<T>((resolve, reject) => {
      const command: RunningCommand = {
        kind,
        giveUp: (reason) => {
          end();
          const error = this.#unavailable(`${reason} (${what})`);
          // First, so that this is the error, and not what the driver makes of the signal.
          reject(error);
          controller.abort(error);
        },
      };
      const timer = setTimeout(() => {
        command.giveUp(`no answer within ${millis / 1000} s`);
      }, millis);
      const end = (): void => {
        clearTimeout(timer);
        this.#running.delete(command);
        this.#cutOff.delete(command);
      };
      this.#running.add(command);
      // Begins now; what it throws, the driver's own refusals included, rejects.
      const begun = (async () => operation(controller.signal))();
      begun.finally(end).then(resolve, reject);
    });
  }

  /** Gives up what is under way, and closes the client. Never rejects, and takes no longer than a second. */
  async close(reason: string): Promise<void> {
    this.#giveUp([...this.#running], reason);
    const closing = this.client.close(true).catch(() => undefined);
    await settlesWithin(closing, closeMillis);
  }

  /**
   * A server that takes writes is there again. Commands that were cut off have failed, or the driver repeats them and they
   * are answered at once, unless it has lost sight of them.
   */
  #giveUpAfterGrace(): void {
    const cutOff = [...this.#cutOff];
    this.#cutOff.clear();
    setTimeout(() => {
      this.#giveUp(cutOff, 'the connection was lost, and no answer came');
    }, this.#timing.graceMillis).unref();
  }

  #giveUp(commands: readonly RunningCommand[], reason: string): void {
    for (const command of commands) if (this.#running.has(command)) command.giveUp(reason);
  }

  #unavailable(particulars: string): StoreError {
    return new StoreError('store-unavailable', `MongoDB database ${this.#databaseName}: ${particulars}`, {
      retryable: true,
    });
  }
}
