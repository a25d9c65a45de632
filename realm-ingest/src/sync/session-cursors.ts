import type { ClientIdentMessage, DownloadMessage, UploadedChangeset } from '../protocol/messages.js';

/** Identifies the server's history to files that have none. Nothing depends on its value. */
const serverVersionSalt = 999n;

/**
 * The cursors of a session, and the DOWNLOADs that carry them.
 *
 * The server version never changes: there is nothing to download. The acknowledged client version starts at IDENT's
 * `scan_client_version`. It rises to the last version that this session uploaded and the store committed. It never falls.
 *
 * Source: sync protocol, section 5.
 */
export class SessionCursors {
  readonly #sessionIdent: number;
  readonly #serverVersion: bigint;
  readonly #serverVersionSalt: bigint;
  #clientVersion: bigint;
  /** Server version of the last acknowledged changeset; 0 leaves the client's unchanged. */
  #uploadServerVersion = 0n;
  #queryVersion: bigint;

  /** Keeps the file's server version; 1 for a file that never had one. */
  constructor(ident: ClientIdentMessage) {
    const known = [1n, ident.scanServerVersion, ident.latestServerVersion];
    this.#sessionIdent = ident.sessionIdent;
    this.#serverVersion = known.reduce((highest, version) => (version > highest ? version : highest));
    this.#serverVersionSalt =
      ident.latestServerVersion > 0n ? ident.latestServerVersionSalt : serverVersionSalt;
    this.#clientVersion = ident.scanClientVersion;
    this.#queryVersion = ident.queryVersion;
  }

  get serverVersion(): bigint {
    return this.#serverVersion;
  }

  /** Acknowledged so far. */
  get clientVersion(): bigint {
    return this.#clientVersion;
  }

  get queryVersion(): bigint {
    return this.#queryVersion;
  }

  /** The bootstrap for a query version, which becomes the active one. */
  bootstrap(queryVersion: bigint): DownloadMessage {
    this.#queryVersion = queryVersion;
    return this.#download('bootstrap');
  }

  /** The acknowledgement of committed changesets; undefined if they were acknowledged before. */
  acknowledge(changesets: readonly UploadedChangeset[]): DownloadMessage | undefined {
    let rose = false;
    for (const { clientVersion, serverVersion } of changesets) {
      if (clientVersion <= this.#clientVersion) continue;
      rose = true;
      this.#clientVersion = clientVersion;
      // A version that the client was never served fails its own check; 0 passes it.
      this.#uploadServerVersion = serverVersion <= this.#serverVersion ? serverVersion : 0n;
    }
    return rose ? this.#download('steady-state') : undefined;
  }

  #download(purpose: DownloadMessage['purpose']): DownloadMessage {
    return {
      type: 'download',
      sessionIdent: this.#sessionIdent,
      purpose,
      downloadServerVersion: this.#serverVersion,
      downloadClientVersion: this.#clientVersion,
      latestServerVersion: this.#serverVersion,
      latestServerVersionSalt: this.#serverVersionSalt,
      uploadClientVersion: this.#clientVersion,
      uploadServerVersion: this.#uploadServerVersion,
      queryVersion: this.#queryVersion,
    };
  }
}
