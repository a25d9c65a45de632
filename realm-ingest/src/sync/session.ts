import type { Logger } from '../logger.js';
import type { Pipeline } from '../pipeline/upload-pipeline.js';
import type {
  BindMessage,
  ClientIdentMessage,
  QueryMessage,
  ServerMessage,
  UploadedChangeset,
  UploadMessage,
} from '../protocol/messages.js';
import type { ClientFile } from '../store/store.js';
import type { AdoptedFiles } from './adopted-files.js';
import { checkClientFile } from './client-file-check.js';
import type { ErrorLog } from './error-log.js';
import { HoldBack } from './hold-back.js';
import type { MessageAllocation } from './inflight-budget.js';
import { SessionCursors } from './session-cursors.js';
import { sessionTable, stateAfter, type SessionMessage, type SessionState } from './session-table.js';
import { retryWhileHeldBack } from './store-retry.js';
import { isSessionError, SyncError, toServerError } from './sync-error.js';
import type { SyncLimits } from './sync-limits.js';
import type { FileAdoption, SyncObserver } from './sync-observer.js';
import { UploadQueue, type UploadSession } from './upload-queue.js';

/** What the sessions of one connection share. */
export interface SessionContext {
  readonly pipeline: Pipeline;
  /** From the access token. */
  readonly userId: string;
  readonly limits: SyncLimits;
  readonly logger: Logger;
  readonly observer: SyncObserver;
  /** One for all connections, like the next. */
  readonly errorLog: ErrorLog;
  readonly adoptedFiles: AdoptedFiles;
}

/** The connection as its sessions see it. */
export interface SessionConnection {
  /**
   * Takes note of a session that BIND opens.
   *
   * @throws SyncError `sync-overload` if the connection has too many
   */
  add(session: Session): void;
  /** The session is over: its ident is free again. */
  remove(session: Session): void;
  send(message: ServerMessage): void;
  /** Ends the connection with an error. */
  fail(error: unknown): void;
  /** Stops reading until every reason is resumed. */
  pause(reason: unknown): void;
  resume(reason: unknown): void;
}

/** One session. {@link sessionTable} decides what it does with a message. */
export class Session implements UploadSession {
  readonly ident: number;
  readonly #connection: SessionConnection;
  readonly #context: SessionContext;
  readonly #holdBack: HoldBack;
  readonly #uploads: UploadQueue;
  /** Messages that arrived during the look-up. */
  readonly #waiting: { readonly message: SessionMessage; readonly allocation: MessageAllocation }[] = [];
  readonly #ended = new AbortController();
  #logger: Logger;
  #state: SessionState = 'unknown';
  /** From the look-up on. */
  #file: { readonly ident: ClientIdentMessage; readonly cursors: SessionCursors } | undefined;

  constructor(ident: number, connection: SessionConnection, context: SessionContext) {
    const { limits, observer } = context;
    this.ident = ident;
    this.#connection = connection;
    this.#context = context;
    this.#logger = context.logger.child({ sessionIdent: ident });
    this.#holdBack = new HoldBack({ session: this, connection, limits, observer });
    this.#uploads = new UploadQueue({ session: this, holdBack: this.#holdBack, limits });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Takes a message; the session releases `allocation`. Anything wrong with it ends the session or the connection. */
  receive(message: SessionMessage, allocation: MessageAllocation): void {
    const reaction = sessionTable[this.#state][message.type];
    const keepsBytes = reaction === 'queue' || (reaction === 'take' && message.type === 'upload');
    if (!keepsBytes) allocation.release();
    switch (reaction) {
      case 'take':
        this.#take(message, allocation);
        return;
      case 'queue':
        this.#waiting.push({ message, allocation });
        if (this.#waiting.length > this.#context.limits.maxQueuedMessages) this.#holdBack.begin('queue');
        return;
      case 'discard':
        return;
      case 'forget':
        this.end();
        return;
      case 'sync-session-ident':
      case 'sync-session-reuse':
      case 'sync-message-order':
        this.fail(
          new SyncError(reaction, `${message.type} for session ${this.ident}, which is ${this.#state}`),
        );
    }
  }

  /** Ends this session and tells its client, if it is a session's error. Otherwise ends the connection. */
  fail(error: unknown): void {
    if (!isSessionError(error)) {
      this.#connection.fail(error);
      return;
    }
    if (this.#state === 'errored') return;
    const { userId, errorLog, observer } = this.#context;
    errorLog.write(this.#logger, error, userId, 'sync session ended with an error');
    observer.errorSent?.(error.wireCode);
    this.#connection.send(toServerError(error, this.ident));
    this.#stop();
    this.#state = 'errored';
    if (error.code === 'client-held-back' || error.code === 'upload-failed') this.#uploads.abandon();
  }

  /** The session is over: by UNBIND, or because the connection ends. What was uploaded is still committed. */
  end(): void {
    this.#stop();
    this.#state = 'unknown';
    this.#connection.remove(this);
  }

  /** Drops uploads whose commit has not begun. */
  abandon(): void {
    this.#uploads.abandon();
  }

  /** Resolves when every upload is committed or given up. */
  idle(): Promise<void> {
    return this.#uploads.idle();
  }

  /** @see UploadSession.commit */
  async commit(changesets: readonly UploadedChangeset[]): Promise<void> {
    if (this.#file === undefined) throw new Error('commit before ident');
    const { ident, cursors } = this.#file;
    const file = {
      ident: ident.clientFileIdent,
      salt: ident.clientFileIdentSalt,
      userId: this.#context.userId,
      clientVersion: changesets.reduce(
        (highest, { clientVersion }) => (clientVersion > highest ? clientVersion : highest),
        cursors.clientVersion,
      ),
      serverVersion: cursors.serverVersion,
    };
    await this.#context.pipeline.commit({ file, changesets }, () => {
      this.#holdBack.progress();
    });
  }

  /** @see UploadSession.acknowledge */
  acknowledge(changesets: readonly UploadedChangeset[]): void {
    const download = this.#file?.cursors.acknowledge(changesets);
    if (download !== undefined) this.#connection.send(download);
    this.#context.observer.acknowledged?.(changesets.length);
  }

  #take(message: SessionMessage, allocation: MessageAllocation): void {
    try {
      this.#handle(message, allocation);
      this.#state = stateAfter[message.type] ?? this.#state;
    } catch (error) {
      this.fail(error);
    }
  }

  #handle(message: SessionMessage, allocation: MessageAllocation): void {
    switch (message.type) {
      case 'bind':
        this.#bind(message);
        return;
      case 'ident':
        refuseSubscriptions(message);
        this.#logger = this.#logger.child({ clientFileIdent: String(message.clientFileIdent) });
        void this.#lookUp(message);
        return;
      case 'upload':
        this.#upload(message, allocation);
        return;
      case 'mark':
        // Echoed at once: there is nothing to download.
        this.#connection.send({ type: 'mark', sessionIdent: this.ident, requestIdent: message.requestIdent });
        return;
      case 'query':
        this.#bootstrap(message);
        return;
      case 'json_error':
        // The client waits for the server to end the session.
        throw new SyncError(
          'client-reported',
          `${message.code}, ${JSON.stringify(message.message.slice(0, 500))}`,
        );
      case 'unbind':
        this.end();
        this.#connection.send({ type: 'unbound', sessionIdent: this.ident });
    }
  }

  #bind({ needClientFileIdent }: BindMessage): void {
    this.#connection.add(this);
    if (!needClientFileIdent) return;
    const { pipeline, userId } = this.#context;
    const clientFileIdent = pipeline.createClientFileIdent();
    const clientFileIdentSalt = pipeline.saltOf(userId, clientFileIdent);
    this.#connection.send({ type: 'ident', sessionIdent: this.ident, clientFileIdent, clientFileIdentSalt });
  }

  /** An upload without changesets is never answered. */
  #upload(message: UploadMessage, allocation: MessageAllocation): void {
    if (message.uncompressedBytes === 0) {
      allocation.release();
      return;
    }
    this.#context.observer.uploaded?.(message.body.length, message.uncompressedBytes);
    this.#uploads.add(message, allocation);
  }

  #bootstrap(query: QueryMessage): void {
    refuseSubscriptions(query);
    const cursors = this.#file?.cursors;
    if (cursors === undefined || query.queryVersion <= cursors.queryVersion) {
      throw new SyncError('subscription-refused', `query version ${query.queryVersion} does not rise`);
    }
    this.#connection.send(cursors.bootstrap(query.queryVersion));
  }

  async #lookUp(ident: ClientIdentMessage): Promise<void> {
    const { signal } = this.#ended;
    try {
      const row = await retryWhileHeldBack(
        () => this.#context.pipeline.findClientFile(ident.clientFileIdent),
        this.#holdBack,
        signal,
      );
      if (!signal.aborted) this.#enterIdentified(ident, row);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  #enterIdentified(ident: ClientIdentMessage, row: ClientFile | undefined): void {
    const { pipeline, userId, observer, adoptedFiles } = this.#context;
    const adoption = checkClientFile(ident, userId, row, pipeline);
    if (adoptedFiles.shouldReport(ident.clientFileIdent, adoption)) {
      for (const how of adoption) observer.fileAdopted?.(how);
      this.#logAdoption(ident, row?.clientVersion, adoption);
    }

    const cursors = new SessionCursors(ident);
    this.#file = { ident, cursors };
    this.#state = 'identified';
    if (ident.scanServerVersion === 0n) this.#connection.send(cursors.bootstrap(ident.queryVersion));

    this.#holdBack.end('queue');
    // Any of them may end the session, which empties `#waiting`.
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.receive(next.message, next.allocation);
    }
  }

  #logAdoption(ident: ClientIdentMessage, recorded: bigint | undefined, adoption: FileAdoption[]): void {
    const files = this.#context.adoptedFiles.admitLine(ident.clientFileIdent);
    if (files === undefined) return;
    const fields = {
      ...(files > 1 && { files }),
      adoption,
      userId: this.#context.userId,
      acknowledgedClientVersion: String(ident.scanClientVersion),
      recordedClientVersion: String(recorded ?? 0n),
    };
    if (adoption.includes('ahead')) {
      this.#logger.error(
        fields,
        'client file adopted: this store does not hold records that were acknowledged to the client; an earlier store lost them, or another store has them',
      );
    } else {
      this.#logger.warn(fields, 'client file adopted: its salt is not from this server');
    }
  }

  #stop(): void {
    this.#ended.abort();
    this.#uploads.detach();
    this.#holdBack.cancel();
    for (const { allocation } of this.#waiting.splice(0)) allocation.release();
  }
}

/** Asymmetric classes cannot be subscribed to. */
function refuseSubscriptions({ query }: ClientIdentMessage | QueryMessage): void {
  const classes = Object.keys(query);
  if (classes.length === 0) return;
  throw new SyncError(
    'subscription-refused',
    `to ${JSON.stringify(classes.slice(0, 5).join(', ').slice(0, 200))}; realm-ingest only takes asymmetric objects`,
  );
}
