import type { Logger } from '../logger.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import type {
  BindMessage,
  ClientErrorMessage,
  ClientIdentMessage,
  MarkMessage,
  QueryMessage,
  ServerMessage,
  UploadedChangeset,
  UploadMessage,
} from '../protocol/messages.js';
import type { ClientFile } from '../store/store.js';
import type { AdoptedFiles } from './adopted-files.js';
import { checkClientFile } from './client-file-check.js';
import { HoldBack } from './hold-back.js';
import type { MessageHold } from './inflight-budget.js';
import { SessionCursors } from './session-cursors.js';
import type { SessionMessage, SessionState } from './session-table.js';
import { retryWhileHeldBack } from './store-retry.js';
import { SyncError } from './sync-error.js';
import type { SyncHost } from './sync-host.js';
import type { SyncLimits } from './sync-limits.js';
import type { FileAdoption, SyncObserver } from './sync-observer.js';
import { UploadQueue } from './upload-queue.js';

/** What a session needs of its connection. */
export interface SessionContext {
  readonly host: SyncHost;
  readonly userId: string;
  readonly limits: SyncLimits;
  readonly logger: Logger;
  readonly observer: SyncObserver;
  readonly adoptedFiles: AdoptedFiles;
  send(message: ServerMessage): void;
  /** Takes a message that waited; it may be for another state of the session than when it arrived. */
  route(message: SessionMessage, hold: MessageHold): void;
  /** Something that was not the answer to a message went wrong: the session or the connection ends. */
  fail(error: unknown, session: Session): void;
  /** Stops reading for this session's sake. */
  pause(session: Session): void;
  resume(session: Session): void;
}

/**
 * One session: what each reaction of the session table does. Its connection looks reactions up and calls them; methods
 * throw a `SyncError` where the message ends the session or the connection.
 */
export class Session {
  readonly ident: number;
  readonly #context: SessionContext;
  readonly #holdBack: HoldBack;
  readonly #uploads: UploadQueue;
  readonly #waiting: { readonly message: SessionMessage; readonly hold: MessageHold }[] = [];
  readonly #ended = new AbortController();
  #logger: Logger;
  #state: SessionState = 'bound';
  /** From IDENT on. */
  #file: { readonly ident: ClientIdentMessage; readonly cursors: SessionCursors } | undefined;

  constructor(ident: number, context: SessionContext) {
    this.ident = ident;
    this.#context = context;
    this.#logger = context.logger.child({ sessionIdent: ident });
    this.#holdBack = new HoldBack({
      maxMillis: context.limits.holdBackMillis,
      maxTotalMillis: context.limits.maxUnreadMillis,
      pause: (reason) => {
        context.observer.heldBack?.(reason);
        context.pause(this);
      },
      resume: () => {
        context.resume(this);
      },
      expired: (cause) => {
        context.fail(
          new SyncError('client-held-back', `no progress within ${context.limits.holdBackMillis} ms`, {
            cause,
          }),
          this,
        );
      },
    });
    this.#uploads = new UploadQueue({
      commit: (changesets) => this.#commit(changesets),
      committed: (changesets) => {
        this.#acknowledge(changesets);
      },
      failed: (error) => {
        context.fail(asSyncError(error), this);
      },
      holdBack: this.#holdBack,
      maxCommitBytes: context.limits.maxCommitBytes,
      maxUploads: context.limits.maxQueuedMessages,
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  get logger(): Logger {
    return this.#logger;
  }

  /** BIND: gives a new file its ident, if asked. */
  open(message: BindMessage): void {
    if (!message.needClientFileIdent) return;
    const { host, userId } = this.#context;
    const clientFileIdent = host.createClientFileIdent();
    const clientFileIdentSalt = host.saltOf(userId, clientFileIdent);
    this.#context.send({ type: 'ident', sessionIdent: this.ident, clientFileIdent, clientFileIdentSalt });
  }

  /** IDENT: looks the file up. Messages that come meanwhile wait. */
  identify(ident: ClientIdentMessage): void {
    refuseSubscriptions(ident);
    this.#logger = this.#logger.child({ clientFileIdent: String(ident.clientFileIdent) });
    this.#state = 'identifying';
    void this.#lookUp(ident);
  }

  /** Keeps a message until the look-up is done; `hold` is the session's from here on. */
  enqueue(message: SessionMessage, hold: MessageHold): void {
    this.#waiting.push({ message, hold });
    if (this.#waiting.length > this.#context.limits.maxQueuedMessages) this.#holdBack.begin('queue');
  }

  /** UPLOAD; `hold` is the session's from here on. One without changesets is never answered. */
  upload(message: UploadMessage, hold: MessageHold): void {
    if (message.uncompressedBytes === 0) {
      hold.release();
      return;
    }
    this.#context.observer.uploaded?.(message.body.length, message.uncompressedBytes);
    this.#uploads.add(message, hold);
  }

  /** MARK: echoed at once, since there is nothing to download. */
  mark({ requestIdent }: MarkMessage): void {
    this.#context.send({ type: 'mark', sessionIdent: this.ident, requestIdent });
  }

  /** QUERY: a bootstrap for the new version. */
  bootstrap(query: QueryMessage): void {
    refuseSubscriptions(query);
    const cursors = this.#file?.cursors;
    if (cursors === undefined || query.queryVersion <= cursors.queryVersion) {
      throw new SyncError('subscription-refused', `query version ${query.queryVersion} does not rise`);
    }
    this.#context.send(cursors.bootstrap(query.queryVersion));
  }

  /** json_error of the client: it waits for the server to end the session. */
  report({ code, message }: ClientErrorMessage): never {
    throw new SyncError('client-reported', `${code}, ${JSON.stringify(message.slice(0, 500))}`);
  }

  /** An error is sent: from here on everything is discarded, and nothing is sent. */
  enterError(error: SyncError | ProtocolError): void {
    this.#end();
    this.#state = 'errored';
    if (error.code === 'client-held-back' || error.code === 'upload-failed') this.#uploads.abandon();
  }

  /** The session is over: UNBIND, or the end of its connection. What was uploaded is committed all the same. */
  detach(): void {
    this.#end();
    this.#state = 'unknown';
  }

  /** Drops what is not being committed yet. */
  abandon(): void {
    this.#uploads.abandon();
  }

  /** Resolves when everything that was uploaded is committed, or given up. */
  idle(): Promise<void> {
    return this.#uploads.idle();
  }

  #end(): void {
    this.#ended.abort();
    this.#uploads.detach();
    this.#holdBack.cancel();
    for (const { hold } of this.#waiting) hold.release();
    this.#waiting.length = 0;
  }

  async #lookUp(ident: ClientIdentMessage): Promise<void> {
    let row: ClientFile | undefined;
    try {
      row = await retryWhileHeldBack(
        () => this.#context.host.findClientFile(ident.clientFileIdent),
        this.#holdBack,
        this.#ended.signal,
      );
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#context.fail(asSyncError(error), this);
      return;
    }
    if (this.#ended.signal.aborted) return;
    try {
      this.#enterIdentified(ident, row);
    } catch (error) {
      this.#context.fail(error, this);
    }
  }

  #enterIdentified(ident: ClientIdentMessage, row: ClientFile | undefined): void {
    const { host, userId, observer, adoptedFiles } = this.#context;
    const adoption = checkClientFile(ident, userId, row, (user, file) => host.saltOf(user, file));
    if (adoptedFiles.isNews(ident.clientFileIdent, adoption)) {
      for (const how of adoption) observer.fileAdopted?.(how);
      this.#logAdoption(ident, row?.clientVersion, adoption);
    }

    const cursors = new SessionCursors(ident);
    this.#file = { ident, cursors };
    this.#state = 'identified';
    if (ident.scanServerVersion === 0n) this.#context.send(cursors.bootstrap(ident.queryVersion));

    this.#holdBack.end('queue');
    // Any of them may end the session, which empties the queue.
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#context.route(next.message, next.hold);
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
        'client file adopted; it had records acknowledged that this store does not hold: lost with an earlier store, or kept in another',
      );
    } else {
      this.#logger.warn(fields, 'client file adopted; its salt is not one of this server');
    }
  }

  async #commit(changesets: readonly UploadedChangeset[]): Promise<void> {
    if (this.#file === undefined) throw new Error('commit before ident');
    const { ident, cursors } = this.#file;
    const clientVersion = changesets.reduce(
      (highest, changeset) => (changeset.clientVersion > highest ? changeset.clientVersion : highest),
      cursors.clientVersion,
    );
    const file = {
      ident: ident.clientFileIdent,
      salt: ident.clientFileIdentSalt,
      userId: this.#context.userId,
      clientVersion,
      serverVersion: cursors.serverVersion,
    };
    await this.#context.host.commit({ file, changesets }, () => {
      this.#holdBack.progress();
    });
  }

  #acknowledge(changesets: readonly UploadedChangeset[]): void {
    const download = this.#file?.cursors.acknowledge(changesets);
    if (download !== undefined) this.#context.send(download);
    this.#context.observer.acknowledged?.(changesets.length);
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

/** Errors of the protocol as they are; those of the store as one that sends the client away, and loses nothing. */
function asSyncError(error: unknown): SyncError | ProtocolError {
  if (error instanceof SyncError || error instanceof ProtocolError) return error;
  return new SyncError('upload-failed', 'the server cannot store uploads now', { cause: error });
}
