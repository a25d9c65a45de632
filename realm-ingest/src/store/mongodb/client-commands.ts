import type { MongoClient } from 'mongodb';
import { settlesWithin } from '../../time/settles-within.js';
import { StoreError } from '../store-error.js';
import type { CommandKind, CommandTiming } from './command-timing.js';
import { ServerWatch } from './server-watch.js';

/** How long a client may take to close: the driver may wait for ever. */
const closeMillis = 1000;

interface RunningCommand {
  readonly kind: CommandKind;
  /** Rejects the command and aborts it in the driver. */
  giveUp(reason: string): void;
}

/**
 * The commands of one client, each with a deadline of its own.
 *
 * The driver (6 and 7) can wait for ever: if it writes a command to a socket that is destroyed but has not emitted `close`
 * yet, it waits for a `drain` that never comes (`Connection.writeCommand`). No timeout of the driver ends this wait, and
 * neither does closing its client.
 */
export class ClientCommands {
  readonly client: MongoClient;
  readonly #databaseName: string;
  readonly #timing: CommandTiming;
  readonly #running = new Set<RunningCommand>();
  /** Commands that were running when their server was lost. */
  readonly #cutOff = new Set<RunningCommand>();

  /** @param client - this class closes it */
  constructor(client: MongoClient, databaseName: string, timing: CommandTiming) {
    this.client = client;
    this.#databaseName = databaseName;
    this.#timing = timing;
    new ServerWatch(
      client,
      () => {
        // The server continues a build if its connection still stands, and only the answer tells whether it does.
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
   * @param what - for errors, such as `insert into Span`
   * @param operation - passes the signal to the driver, which then releases the connection too
   * @param controller - of that signal, if several commands share it
   * @throws StoreError `store-unavailable` if no answer came in time; or else the driver's error
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
          // Before the abort, so that this is the error, not the driver's.
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
      // An async function, so that what the driver throws rejects too.
      const begun = (async () => operation(controller.signal))();
      begun.finally(end).then(resolve, reject);
    });
  }

  /** Gives up running commands and closes the client. Never rejects; takes at most a second. */
  async close(reason: string): Promise<void> {
    this.#giveUp([...this.#running], reason);
    const closing = this.client.close(true).catch(() => undefined);
    await settlesWithin(closing, closeMillis);
  }

  /**
   * A writable server is back. Commands that were cut off have failed by now, or the driver repeats them and they are
   * answered soon. The driver has forgotten those that are left after the grace period.
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
