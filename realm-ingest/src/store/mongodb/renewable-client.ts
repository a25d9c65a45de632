import type { MongoClient } from 'mongodb';
import type { Logger } from '../../logger.js';
import { StoreError } from '../store-error.js';
import { ClientCommands } from './client-commands.js';
import type { CommandKind, CommandTiming } from './command-timing.js';
import type { Driver } from './driver.js';

interface RenewableClientOptions {
  readonly driver: Driver;
  /** Creates a client; it connects with its first command. */
  readonly open: () => MongoClient;
  readonly databaseName: string;
  readonly timing: CommandTiming;
  readonly logger: Pick<Logger, 'warn'> | undefined;
}

/**
 * A client of the driver that is replaced when it is broken: like its commands, the driver's monitor can wait for ever, and
 * then never finds the server again.
 *
 * A client is broken if its commands got no answer for some time, not even an error of the server, and a new client gets
 * one. So nothing is replaced while MongoDB is down.
 */
export class RenewableClient {
  readonly #options: RenewableClientOptions;
  #commands: ClientCommands;
  /** When the first unanswered command began; undefined after an answer. */
  #silentSince: number | undefined;
  /** When a command last failed without an answer. */
  #failedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #candidate: ClientCommands | undefined;
  #isClosed = false;

  constructor(options: RenewableClientOptions) {
    this.#options = options;
    this.#commands = this.#open();
  }

  /** The current client. It may be replaced at any time: do not keep it. */
  get current(): MongoClient {
    return this.#commands.client;
  }

  /** Runs one command; see `ClientCommands.run`. */
  async run<T>(
    kind: CommandKind,
    what: string,
    operation: (signal: AbortSignal) => Promise<T>,
    controller?: AbortController,
  ): Promise<T> {
    const commands = this.#commands;
    const begunAt = performance.now();
    try {
      const result = await commands.run(kind, what, operation, controller);
      this.#noteAnswer(commands);
      return result;
    } catch (error) {
      const { MongoServerError, MongoError } = this.#options.driver;
      if (error instanceof MongoServerError) this.#noteAnswer(commands);
      else if (error instanceof MongoError || error instanceof StoreError) {
        this.#noteSilence(commands, begunAt);
      }
      throw error;
    }
  }

  /** Gives up running commands. Never rejects; takes a few seconds at most. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const open = this.#candidate === undefined ? [this.#commands] : [this.#commands, this.#candidate];
    await Promise.all(open.map((commands) => commands.close('the store was closed')));
  }

  #open(): ClientCommands {
    const { open, databaseName, timing } = this.#options;
    return new ClientCommands(open(), databaseName, timing);
  }

  #noteAnswer(commands: ClientCommands): void {
    if (commands === this.#commands) this.#silentSince = undefined;
  }

  #noteSilence(commands: ClientCommands, begunAt: number): void {
    if (commands !== this.#commands || this.#isClosed) return;
    const now = performance.now();
    const { renewalMillis } = this.#options.timing;
    // A long time without commands is not silence.
    if (begunAt - this.#failedAt > renewalMillis) this.#silentSince = undefined;
    this.#failedAt = now;
    this.#silentSince ??= begunAt;
    if (now - this.#silentSince < renewalMillis || now - this.#triedAt < renewalMillis) return;
    this.#triedAt = now;
    void this.#renew();
  }

  /** Replaces the client, if a new one gets an answer. Never rejects. */
  async #renew(): Promise<void> {
    if (this.#candidate !== undefined) return;
    const { databaseName, logger } = this.#options;
    const candidate = this.#open();
    this.#candidate = candidate;
    const isAnswered = await candidate
      .run('read', 'ping', (signal) => candidate.client.db(databaseName).command({ ping: 1 }, { signal }))
      .then(
        () => true,
        () => false,
      );
    this.#candidate = undefined;
    const since = this.#silentSince;
    if (!isAnswered || since === undefined || this.#isClosed) {
      await candidate.close('the client was closed');
      return;
    }
    const broken = this.#commands;
    this.#commands = candidate;
    this.#silentSince = undefined;
    const silentSeconds = Math.round((performance.now() - since) / 1000);
    logger?.warn(
      { silentSeconds },
      'the MongoDB client got no answer for some time, but a new client did: the old one was replaced',
    );
    await broken.close('the client was replaced');
  }
}
